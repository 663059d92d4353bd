import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
// @ts-expect-error the script is plain JavaScript, so that it runs without a build, and has no declarations
import { parseTrace, selectUsage, testersCsv, usageCsv } from "../scripts/make-demo-data.mjs";

const SCRIPT = fileURLToPath(new URL("../scripts/make-demo-data.mjs", import.meta.url));
const carried = (name: string) => readFileSync(new URL(`../data/demo/${name}`, import.meta.url), "utf8");
const table = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));

const EXPECTED = {
  casual: { tokens: 500, images: 2 },
  active: { tokens: 2000, images: 10 },
  power: { tokens: 5000, images: 25 },
} as const;
const TIERS = {
  free: { tokens: 1000, images: 5, features: ["blog_writer", "basic_seo"] },
  basic: { tokens: 10_000, images: 50, features: ["blog_writer", "seo_analysis", "content_planning"] },
  pro: { tokens: 50_000, images: 200, features: undefined },
} as const;
const SMALLEST_CALL_OF_THE_TRACE = 64;
const SHORTEST_DAY_SECONDS = 23 * 3600;

const testers = table(carried("testers.csv")).map(([email, name, id, tier, persona, startedDay]) => ({
  email: email!,
  name: name!,
  id: id!,
  tier: tier as keyof typeof TIERS,
  persona: persona as keyof typeof EXPECTED,
  startedDay: Number(startedDay),
}));
const usage = table(carried("usage.csv")).map((fields) => ({
  tester: fields[0]!,
  day: Number(fields[1]),
  second: Number(fields[2]),
  feature: fields[3]!,
  model: `${fields[4]}/${fields[5]}`,
  tokens: Number(fields[6]) + Number(fields[7]),
  images: Number(fields[8]),
}));

/** A tester's totals for each day from `started_day` to 1. */
function daysOf({ id, startedDay }: { id: string; startedDay: number }) {
  return Array.from({ length: startedDay }, (_, i) => {
    const day = startedDay - i;
    const rows = usage.filter((row) => row.tester === id && row.day === day);
    const sum = (of: "tokens" | "images") => rows.reduce((total, row) => total + row[of], 0);
    return { day, tokens: sum("tokens"), images: sum("images") };
  });
}
const tester = (id: string) => testers.find((one) => one.id === id)!;
const isQuiet = (day: number) => day % 7 >= 5;
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

describe("data/demo/testers.csv", () => {
  it("is what the script's plan says", () => {
    expect(carried("testers.csv")).toBe(testersCsv());
    expect(carried("testers.csv").split("\n")[0]).toBe("email,name,id,tier,persona,started_day");
  });

  it("has testers of every persona and tier, with example.com addresses and distinct ids", () => {
    expect(testers.map((one) => one.persona).sort()).toEqual([
      ...Array(3).fill("active"),
      ...Array(4).fill("casual"),
      ...Array(2).fill("power"),
    ]);
    expect(new Set(testers.map((one) => one.tier))).toEqual(new Set(Object.keys(TIERS)));
    expect(new Set(testers.map((one) => one.id)).size).toBe(testers.length);
    for (const { email, id, startedDay } of testers) {
      expect(email).toBe(`${id}@example.com`);
      expect(startedDay).toBeGreaterThanOrEqual(10);
      expect(startedDay).toBeLessThanOrEqual(30);
    }
  });
});

describe("data/demo/usage.csv", () => {
  it("has well-formed rows of whole numbers, each either text or images", () => {
    const [header, ...lines] = carried("usage.csv").trimEnd().split("\n");
    expect(header).toBe("tester,day,second,feature,provider,model,input_tokens,output_tokens,images");
    const row = /^[a-z]+,\d{1,2},\d{1,5},[a-z_]+,(openai|anthropic|google),[a-z0-9.-]+,\d+,\d+,\d+$/;
    expect(lines.filter((line) => !row.test(line))).toEqual([]);
    for (const { tokens, images, model } of usage) {
      if (images === 0) expect(tokens).toBeGreaterThanOrEqual(SMALLEST_CALL_OF_THE_TRACE);
      else {
        expect({ tokens, model }).toEqual({ tokens: 0, model: "openai/gpt-image-1" });
        expect(images).toBeLessThanOrEqual(8);
      }
    }
  });

  it("has the totals that docs/demo-data.md states", () => {
    const tokens = usage.reduce((sum, row) => sum + row.tokens, 0);
    const images = usage.reduce((sum, row) => sum + row.images, 0);
    expect({ events: usage.length, tokens, images }).toEqual({ events: 1483, tokens: 492_986, images: 2609 });
    const stated = [usage.length, tokens, images].map((n) => n.toLocaleString("en-US"));
    expect(carried("../../docs/demo-data.md")).toContain(
      `${stated[0]} events, ${stated[1]} tokens, ${stated[2]} images`,
    );
  });

  it("uses exactly the testers of testers.csv, none before they started, in features of their tier", () => {
    expect(new Set(usage.map((row) => row.tester))).toEqual(new Set(testers.map((one) => one.id)));
    for (const row of usage) {
      const { startedDay, tier } = tester(row.tester);
      expect(row.day).toBeLessThanOrEqual(startedDay);
      const features: readonly string[] | undefined = TIERS[tier].features;
      if (features !== undefined) expect(features).toContain(row.feature);
    }
  });

  it("goes from the oldest day to today, and no tester does two things in one second", () => {
    const days = usage.map((row) => row.day);
    expect(days).toEqual([...days].sort((a, b) => b - a));
    expect(new Set(usage.map((row) => `${row.tester} ${row.day} ${row.second}`)).size).toBe(usage.length);
    expect(usage.filter((row) => row.second >= SHORTEST_DAY_SECONDS)).toEqual([]);
  });

  it("leaves today nearly empty, in its first half minute", () => {
    const today = usage.filter((row) => row.day === 0);
    expect(today.map((row) => row.tester)).toEqual(["farid", "ines"]);
    for (const row of today) {
      expect(row.second).toBeLessThanOrEqual(30);
      expect(row.tokens).toBeLessThanOrEqual(150);
    }
  });

  it("keeps everyone within their tier's daily limits", () => {
    for (const one of testers) {
      for (const { tokens, images } of daysOf(one)) {
        expect(tokens).toBeLessThanOrEqual(TIERS[one.tier].tokens);
        expect(images).toBeLessThanOrEqual(TIERS[one.tier].images);
      }
    }
  });

  it.each(["ben", "cleo", "farid", "greta", "hugo", "ines", "jonas"])(
    "%s uses about the persona's tokens",
    (id) => {
      const dips = ["ben", "farid", "jonas"].includes(id);
      const expected = EXPECTED[tester(id).persona].tokens;
      for (const { day, tokens } of daysOf(tester(id))) {
        const [least, most] = dips && isQuiet(day) ? [0.2, 0.6] : [0.7, 1.3];
        expect(tokens, `day ${day}`).toBeGreaterThanOrEqual(least * expected);
        expect(tokens, `day ${day}`).toBeLessThanOrEqual(most * expected);
      }
    },
  );

  it.each(["ben", "cleo", "emil", "farid", "hugo", "ines", "jonas"])(
    "%s uses about the persona's images",
    (id) => {
      const average = mean(daysOf(tester(id)).map((day) => day.images));
      const expected = EXPECTED[tester(id).persona].images;
      expect(average).toBeGreaterThanOrEqual(0.7 * expected);
      expect(average).toBeLessThanOrEqual(1.3 * expected);
    },
  );

  it("has one whose images outrun the expectation, one barely active, one who outgrows Free", () => {
    const greta = daysOf(tester("greta")).map((day) => day.images);
    expect(Math.min(...greta)).toBeGreaterThanOrEqual(19);
    expect(Math.max(...greta)).toBeLessThanOrEqual(24);

    const dana = daysOf(tester("dana")).filter((day) => day.tokens + day.images > 0);
    expect(dana.map((day) => day.day)).toEqual([23, 13, 3]);

    const emil = daysOf(tester("emil")).map((day) => day.tokens);
    expect(Math.max(...emil.slice(0, 7))).toBeLessThanOrEqual(560);
    expect(Math.min(...emil.slice(-7))).toBeGreaterThanOrEqual(880);
  });
});

describe("the selection", () => {
  const [m1, m2] = [
    { provider: "p", model: "m1" },
    { provider: "p", model: "m2" },
  ];
  const plan = [
    {
      id: "a",
      startedDay: 2,
      hours: [8, 10],
      tokens: (day: number) => (day === 2 ? 250 : 100),
      images: (day: number) => (day === 2 ? 3 : 0),
      imagesPerCall: 2,
      models: [m1, m2],
      features: ["x", "y", "z"],
    },
    {
      id: "b",
      startedDay: 1,
      hours: [10, 12],
      tokens: () => 150,
      images: () => 0,
      imagesPerCall: 1,
      models: [m2],
      features: ["x"],
      today: 90,
    },
  ];
  const calls: [number, number][] = [
    [300, 100],
    [90, 10],
    [50, 50],
    [40, 15],
    [30, 10],
    [60, 20],
    [20, 5],
    [70, 10],
  ];
  const trace = ["TIMESTAMP,ContextTokens,GeneratedTokens", ...calls.map((call) => `t,${call}`)].join("\n");

  it("takes calls in the trace's order, none twice, each fitting the day and at most 60% of it", () => {
    expect(usageCsv(selectUsage(parseTrace(trace), plan)).split("\n")).toEqual([
      "tester,day,second,feature,provider,model,input_tokens,output_tokens,images",
      "a,2,30026,x,p,m1,90,10,0",
      "a,2,31663,blog_writer,openai,gpt-image-1,0,0,2",
      "a,2,31860,y,p,m2,50,50,0",
      "a,2,33497,blog_writer,openai,gpt-image-1,0,0,1",
      "a,2,35134,z,p,m1,30,10,0",
      "a,1,29413,x,p,m2,20,5,0",
      "a,1,33210,y,p,m1,40,15,0",
      "b,1,36613,x,p,m2,60,20,0",
      "b,0,3,x,p,m2,70,10,0",
      "",
    ]);
  });

  it("finds the trace's columns by name, with or without BOM, CRLF and final newline", () => {
    expect(parseTrace("\uFEFFGeneratedTokens,TIMESTAMP,ContextTokens\r\n7,t,12\r\n")).toEqual([
      { input: 12, output: 7 },
    ]);
  });

  it.each([
    ["a,b\n1,2", "no columns ContextTokens"],
    ["ContextTokens,GeneratedTokens\n5,1\n1.5,2", "Line 3 of the trace"],
    ["ContextTokens,GeneratedTokens\n5", "Line 2 of the trace"],
  ])("refuses what is no trace: %j", (text, message) => {
    expect(() => parseTrace(text)).toThrow(message);
  });

  it("is written by the script into the directory it is given", () => {
    const directory = mkdtempSync(join(tmpdir(), "demo-data-"));
    try {
      writeFileSync(join(directory, "trace.csv"), trace);
      const out = execFileSync(process.execPath, [SCRIPT, join(directory, "trace.csv"), directory], {
        encoding: "utf8",
      });
      expect(readFileSync(join(directory, "testers.csv"), "utf8")).toBe(carried("testers.csv"));
      expect(readFileSync(join(directory, "usage.csv"), "utf8")).toBe(
        usageCsv(selectUsage(parseTrace(trace))),
      );
      expect(out).toMatch(/^all: \d+ events, \d+ tokens, 2609 images$/m);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
