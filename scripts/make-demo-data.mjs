#!/usr/bin/env node
/**
 * Makes data/demo/usage.csv and data/demo/testers.csv from the Azure LLM inference trace.
 *
 *   node scripts/make-demo-data.mjs AzureLLMInferenceTrace_conv.csv [OUTPUT_DIRECTORY]
 *
 * The rule is told in docs/demo-data.md. No randomness and no date: the same trace gives the same bytes.
 */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How many trace calls a tester looks at for one that still fits before the day counts as full. */
const LOOK_AHEAD = 400;

/** One call takes at most this share of the day's tokens, so that a day is more than one call. */
const LARGEST_CALL_PERCENT = 60;

const HOUR = 3600;

const MINI = { provider: "openai", model: "gpt-4o-mini" };
const GPT = { provider: "openai", model: "gpt-4o" };
const CLAUDE = { provider: "anthropic", model: "claude-sonnet-4-5" };
const FLASH = { provider: "google", model: "gemini-2.5-flash" };
const IMAGE = { provider: "openai", model: "gpt-image-1" };

const FEATURES = {
  free: ["blog_writer", "basic_seo"],
  basic: ["blog_writer", "seo_analysis", "content_planning"],
  pro: ["content_planning", "advanced_analytics", "blog_writer", "seo_analysis"],
};

function tester(id, name, tier, persona, startedDay) {
  return { id, name, tier, persona, startedDay, features: FEATURES[tier] };
}

/** `volume` scaled by percentages that repeat; day d takes the one at d modulo their number. */
const repeating =
  (volume, ...percents) =>
  (day) =>
    Math.round((volume * percents[day % percents.length]) / 100);

/** From `first` tokens 30 days ago in a straight line to `last` a week ago, and level since. */
const growing = (first, last) => (day) =>
  day <= 7 ? last : last - Math.floor(((last - first) * (day - 7)) / (30 - 7));

/**
 * The testers and their habits. `tokens` and `images` say, for a number of days before today, how many
 * tokens the day holds at most and how many images it has. `today`: the tokens of the one call of today.
 */
const PLAN = [
  {
    ...tester("ben", "Ben Albers", "free", "casual", 30),
    hours: [18, 23],
    tokens: repeating(500, 110, 120, 105, 115, 125, 60, 55),
    images: repeating(2, 100, 100, 50, 100, 150, 50, 50),
    imagesPerCall: 2,
    models: [MINI],
  },
  {
    ...tester("cleo", "Cleo Barton", "free", "casual", 10),
    hours: [7, 12],
    tokens: repeating(500, 120, 110, 130),
    images: repeating(2, 100, 150, 50),
    imagesPerCall: 1,
    models: [MINI, FLASH],
  },
  {
    ...tester("dana", "Dana Cole", "free", "casual", 30),
    hours: [20, 22],
    tokens: repeating(500, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0),
    images: repeating(2, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0),
    imagesPerCall: 1,
    models: [MINI],
  },
  {
    ...tester("emil", "Emil Duarte", "free", "casual", 30),
    hours: [8, 22],
    tokens: growing(400, 1000),
    images: repeating(2, 100, 150, 100),
    imagesPerCall: 2,
    models: [MINI, FLASH],
  },
  {
    ...tester("farid", "Farid Ebadi", "basic", "active", 30),
    hours: [8, 18],
    tokens: repeating(2000, 110, 120, 105, 115, 110, 40, 30),
    images: repeating(10, 100, 110, 90, 120, 100, 30, 0),
    imagesPerCall: 4,
    models: [GPT, MINI],
    today: 120,
  },
  {
    ...tester("greta", "Greta Fischer", "basic", "active", 30),
    hours: [9, 21],
    tokens: repeating(2000, 90, 105, 100, 110),
    images: repeating(10, 190, 220, 200, 240, 210),
    imagesPerCall: 6,
    models: [CLAUDE, MINI],
  },
  {
    ...tester("hugo", "Hugo Gallo", "basic", "active", 24),
    hours: [6, 14],
    tokens: repeating(2000, 115, 100, 110, 95, 105),
    images: repeating(10, 80, 100, 90, 110),
    imagesPerCall: 4,
    models: [GPT, CLAUDE],
  },
  {
    ...tester("ines", "Ines Herrera", "pro", "power", 30),
    hours: [7, 22],
    tokens: repeating(5000, 105, 115, 100, 110, 120, 95, 90),
    images: repeating(25, 100, 112, 88, 100, 120, 80, 80),
    imagesPerCall: 8,
    models: [CLAUDE, GPT, FLASH],
    today: 150,
  },
  {
    ...tester("jonas", "Jonas Ivarsson", "basic", "power", 30),
    hours: [8, 19],
    tokens: repeating(5000, 100, 110, 105, 115, 100, 50, 40),
    images: repeating(25, 100, 112, 88, 104, 96, 40, 40),
    imagesPerCall: 8,
    models: [GPT, FLASH],
  },
];

/** The calls of a trace, in its order. Columns are found by name; a line that is no call is an error. */
export function parseTrace(text) {
  const [header = "", ...lines] = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const names = header.split(",");
  const context = names.indexOf("ContextTokens");
  const generated = names.indexOf("GeneratedTokens");
  if (context < 0 || generated < 0) {
    throw new Error("The trace has no columns ContextTokens and GeneratedTokens.");
  }
  const calls = [];
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    const fields = line.split(",");
    const [input, output] = [fields[context], fields[generated]];
    if (!/^\d+$/.test(input ?? "") || !/^\d+$/.test(output ?? "")) {
      throw new Error(`Line ${index + 2} of the trace has no whole token counts: ${line}`);
    }
    calls.push({ input: Number(input), output: Number(output) });
  }
  return calls;
}

/**
 * The testers' usage, oldest day first. Pure. Each tester walks the trace in its order from an own starting
 * point, taking the next call nobody has taken that still fits into the day; no call is used twice.
 */
export function selectUsage(trace, plan = PLAN) {
  const taken = new Set();
  const walkers = plan.map((tester, index) => ({
    tester,
    cursor: Math.floor((index * trace.length) / plan.length),
    textCalls: 0,
  }));
  const rows = [];
  const oldest = Math.max(...plan.map((tester) => tester.startedDay));
  for (let day = oldest; day >= 0; day--) {
    for (const [index, walker] of walkers.entries()) {
      if (day > walker.tester.startedDay) continue;
      rows.push(...(day === 0 ? today(trace, taken, walker, index) : wholeDay(trace, taken, walker, day)));
    }
  }
  return rows;
}

/** At most one tiny call, in the first half minute: "now" may be just after midnight. */
function today(trace, taken, walker, index) {
  if (walker.tester.today === undefined) return [];
  const call = takeNext(trace, taken, walker, walker.tester.today, trace.length);
  return call === undefined ? [] : [textRow(walker, 0, 3 * index, call)];
}

function wholeDay(trace, taken, walker, day) {
  const { tester } = walker;
  const budget = tester.tokens(day);
  const largest = Math.floor((budget * LARGEST_CALL_PERCENT) / 100);
  const texts = [];
  for (let left = budget; left > 0; ) {
    const call = takeNext(trace, taken, walker, Math.min(left, largest), LOOK_AHEAD);
    if (call === undefined) break;
    texts.push(call);
    left -= call.input + call.output;
  }
  const images = inCalls(tester.images(day), tester.imagesPerCall);

  const count = texts.length + images.length;
  const [from, until] = tester.hours;
  const slot = Math.floor(((until - from) * HOUR) / Math.max(count, 1));
  const rows = [];
  const nextSecond = () => from * HOUR + rows.length * slot + ((day * 613 + rows.length * 197) % slot);
  for (let i = 0; i < Math.max(texts.length, images.length); i++) {
    if (i < texts.length) rows.push(textRow(walker, day, nextSecond(), texts[i]));
    if (i < images.length) rows.push(imageRow(tester, day, nextSecond(), images[i]));
  }
  return rows;
}

/** The next untaken call of at most `limit` tokens within `reach` calls of the cursor, which moves behind it. */
function takeNext(trace, taken, walker, limit, reach) {
  for (let step = 0; step < Math.min(reach, trace.length); step++) {
    const place = (walker.cursor + step) % trace.length;
    const call = trace[place];
    if (taken.has(place) || call.input + call.output > limit) continue;
    taken.add(place);
    walker.cursor = (place + 1) % trace.length;
    return call;
  }
  return undefined;
}

function inCalls(images, perCall) {
  const calls = [];
  for (let left = images; left > 0; left -= perCall) calls.push(Math.min(left, perCall));
  return calls;
}

function textRow(walker, day, second, { input, output }) {
  const { id, models, features } = walker.tester;
  const n = walker.textCalls++;
  const { provider, model } = models[n % models.length];
  return {
    tester: id,
    day,
    second,
    feature: features[n % features.length],
    provider,
    model,
    input,
    output,
    images: 0,
  };
}

function imageRow(tester, day, second, images) {
  return { tester: tester.id, day, second, feature: "blog_writer", ...IMAGE, input: 0, output: 0, images };
}

export function usageCsv(rows) {
  const header = "tester,day,second,feature,provider,model,input_tokens,output_tokens,images";
  const lines = rows.map((r) =>
    [r.tester, r.day, r.second, r.feature, r.provider, r.model, r.input, r.output, r.images].join(","),
  );
  return `${[header, ...lines].join("\n")}\n`;
}

export function testersCsv(plan = PLAN) {
  const lines = plan.map((t) =>
    [`${t.id}@example.com`, t.name, t.id, t.tier, t.persona, t.startedDay].join(","),
  );
  return `${["email,name,id,tier,persona,started_day", ...lines].join("\n")}\n`;
}

function summary(rows) {
  const of = (label, some) => {
    const total = (value) => some.reduce((sum, row) => sum + value(row), 0);
    return `${label}: ${some.length} events, ${total((r) => r.input + r.output)} tokens, ${total((r) => r.images)} images`;
  };
  return [
    ...PLAN.map((t) =>
      of(
        t.id,
        rows.filter((row) => row.tester === t.id),
      ),
    ),
    of("all", rows),
  ].join("\n");
}

function main([tracePath, directory]) {
  if (tracePath === undefined) {
    console.error(
      "Usage: node scripts/make-demo-data.mjs AzureLLMInferenceTrace_conv.csv [OUTPUT_DIRECTORY]",
    );
    return 2;
  }
  const output = directory ?? fileURLToPath(new URL("../data/demo", import.meta.url));
  const rows = selectUsage(parseTrace(readFileSync(tracePath, "utf8")));
  mkdirSync(output, { recursive: true });
  writeFileSync(join(output, "testers.csv"), testersCsv());
  writeFileSync(join(output, "usage.csv"), usageCsv(rows));
  console.log(summary(rows));
  return 0;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
