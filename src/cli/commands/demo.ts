import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { dayLabel } from "../../domain/window.js";
import { AlphaError } from "../../errors.js";
import type { Context } from "../context.js";
import { daysBefore, demoTesters, demoUsageCsv, testersCsv } from "../demo-data.js";
import { run } from "../run-command.js";

interface Step {
  /** What is about to be shown, in a sentence. */
  readonly says: string;
  readonly argv: readonly string[];
  /** When it is done; now, unless it happened in the past. */
  readonly at?: number;
  /** The exit code that is part of the show; 0 unless given. */
  readonly exits?: number;
}

/** The tour: real commands, one after the other, in a folder that is removed at the end. */
export default async function demo(context: Context): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "alpha-demo-"));
  try {
    const shown: unknown[] = [];
    for (const step of steps(folder, context.io.now())) shown.push(await show(context, folder, step));
    if (context.format === "json") context.show({ kind: "demo", data: shown });
    else context.io.stdout.write(farewell(context));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function steps(folder: string, now: number): Step[] {
  const testers = demoTesters();
  const first = Math.max(...testers.map((tester) => tester.startedDay));
  const since = dayLabel(Math.floor(daysBefore(now, first) / 86_400_000));
  writeFileSync(join(folder, "usage.csv"), demoUsageCsv(now));
  const groups = [...new Set(testers.map((tester) => tester.startedDay))].sort((a, b) => b - a);
  const onboarding = groups.map((day): Step => {
    const file = `testers-${day}-days-ago.csv`;
    writeFileSync(join(folder, file), testersCsv(testers.filter((tester) => tester.startedDay === day)));
    return {
      says: `${day} days ago: testers come in from a list, each with a tier and an expected way of using the product.`,
      argv: ["users", "add", "--from", file],
      at: daysBefore(now, day),
    };
  });
  const pressed = testers.find((tester) => tester.id === "emil")?.email ?? "";
  return [
    {
      says: "A database, with three tiers and a daily budget.",
      argv: ["init", "--time-zone", "UTC", "--daily-budget", "25"],
      at: daysBefore(now, first),
    },
    ...onboarding,
    {
      says: "Today: a month of usage from a log. Its token counts are real calls.",
      argv: ["usage", "import", "usage.csv"],
    },
    { says: "What did they cost, against what was expected?", argv: ["usage", "report", "--since", since] },
    {
      says: "And by model? Images have no known price here, so they are assumed, and shown apart.",
      argv: ["usage", "report", "--since", since, "--by", "model"],
    },
    {
      says: "Emil presses against Free's limits. One step up:",
      argv: ["users", "promote", pressed, "--reason", "uses it every day"],
    },
    {
      says: "May he make a call of 1,200 tokens now?",
      argv: ["check", pressed, "--tokens", "1200", "--feature", "blog_writer"],
    },
    {
      says: "Something is wrong. Stop everything, at once:",
      argv: ["emergency-stop", "on", "--reason", "costs jumped overnight"],
    },
    {
      says: "The same call, asked again:",
      argv: ["check", pressed, "--tokens", "1200", "--feature", "blog_writer"],
      exits: 4,
    },
    { says: "All is well again.", argv: ["emergency-stop", "off"] },
  ];
}

/** Runs one command as if it had been typed, and shows the words that were typed. */
async function show(context: Context, folder: string, step: Step): Promise<unknown> {
  const json = context.format === "json";
  const { io, style } = context;
  if (!json) {
    const typed = `$ alpha ${step.argv.map(quoted).join(" ")}`;
    io.stdout.write(`\n${style.muted(`# ${step.says}`)}\n${style.emphasis(typed)}\n`);
  }
  const output = new Captured();
  // Which database was changed is no news here, since it is thrown away; errors are told below.
  const talk = new Captured();
  const argv = step.argv.map((arg) => (arg.endsWith(".csv") ? join(folder, arg) : arg));
  const code = await run(
    [...argv, ...(json ? ["--json"] : []), ...(context.options.color === false ? ["--no-color"] : [])],
    {
      ...io,
      stdout: json ? output : io.stdout,
      stderr: talk,
      env: {
        ...io.env,
        ALPHA_DATABASE: join(folder, "alpha.db"),
        ALPHA_DATABASE_URL_FILE: undefined,
        ALPHA_ACTOR: "demo",
      },
      now: () => step.at ?? io.now(),
    },
  );
  if (code !== (step.exits ?? 0)) {
    throw new AlphaError("failed", `the demo broke off at "alpha ${step.argv.join(" ")}": ${talk.text}`);
  }
  return json
    ? {
        says: step.says,
        command: ["alpha", ...step.argv],
        exit_code: code,
        output: JSON.parse(output.text),
      }
    : null;
}

class Captured extends Writable {
  text = "";

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

function quoted(arg: string): string {
  return /^[\w@.:/=+-]+$/.test(arg) ? arg : `"${arg}"`;
}

function farewell({ style }: Context): string {
  const next = [
    ["alpha init", "your own database"],
    ["alpha users add you@example.com", "your first tester"],
    ["alpha check you@example.com --tokens 500", "the decision your product would get"],
  ] as const;
  const lines = next.map(([command, what]) => `  ${style.code(command.padEnd(42))}${what}`);
  return `\n${style.heading("That was alpha, and its database is gone again. Three commands to try next:")}\n${lines.join("\n")}\n`;
}
