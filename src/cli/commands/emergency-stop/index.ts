import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";
import { callOptions } from "../call-options.js";

const scopeOptions = () => [
  new Option("--user <user>", "only calls of one tester"),
  new Option("--tier <tier>", "only calls of the testers on a tier"),
  new Option("--provider <provider>", "only calls to a provider (gemini is google)"),
  new Option("--model <model>", "only calls to a model"),
  new Option("--feature <feature>", "only calls for a feature of the product"),
];

/** The commands that decide and that stop. */
export function declareEmergency(program: Command, run: Run): void {
  declare(program, run, {
    usage: "check <user>",
    summary: "Ask the engine whether a call would be allowed",
    details:
      "The same decision as the product gets, without reserving or writing anything. Exit code 0 is allow or warn, 4 is block, also for an unknown user. A request that states neither tokens nor images is judged by both quotas.",
    args: { user: "id, email or alias" },
    options: callOptions(),
    examples: [
      "alpha check ada@example.com --tokens 1200 --feature blog_writer",
      "alpha check ada@example.com --images 1 --json",
    ],
    tabular: true,
    load: () => import("../check.js"),
  });
  declare(program, run, {
    usage: "explain <user>",
    summary: "Say why a call is decided as it is, now or at an instant of the past",
    details:
      "Each step of the decision with what it found: emergency stops and guardrails, the tester, the feature, the price, the quotas, the ceiling of one call; then the overrides, forgiveness, windows, calls in progress and refusals that it was taken from. With --at it is told from what was in force at that instant and from what had been recorded by then.",
    args: { user: "id, email or alias" },
    options: [
      ...callOptions(),
      new Option("--at <when>", "an instant of the past, or a day: its beginning in the accounting zone"),
    ],
    examples: [
      "alpha explain ada@example.com",
      "alpha explain ada@example.com --tokens 1200 --feature blog_writer",
      "alpha explain ada@example.com --at 2026-11-22T11:30:00Z --json",
    ],
    tabular: true,
    load: () => import("../explain.js"),
  });

  const emergency = noun(
    program,
    "emergency-stop",
    "Stop calls at once, in every process, and lift the stop",
  );
  declare(emergency, run, {
    usage: "on",
    summary: "Stop every call from the next decision on",
    details:
      "Without flags it stops everything. Flags limit it: several are combined, and a call must match them all; a call that does not say its provider, model or feature is stopped too. The same stop again is no error.",
    options: [
      ...scopeOptions(),
      new Option("--for <time>", "lift it by itself after a time such as 30m or 2h"),
      new Option("--throttle", "do not stop, but hold everybody to the emergency limits"),
      new Option("--reason <text>", "why, for the audit"),
    ],
    examples: [
      "alpha emergency-stop on",
      'alpha emergency-stop on --reason "runaway loop"',
      "alpha emergency-stop on --user ada@example.com --for 2h",
      "alpha emergency-stop on --tier free --throttle",
    ],
    changes: true,
    load: () => import("./on.js"),
  });
  declare(emergency, run, {
    usage: "off",
    summary: "Lift everything, or what was stopped with exactly the given flags",
    options: [...scopeOptions(), new Option("--reason <text>", "why, for the audit")],
    examples: ["alpha emergency-stop off", "alpha emergency-stop off --user ada@example.com"],
    changes: true,
    load: () => import("./off.js"),
  });
  declare(emergency, run, {
    usage: "status",
    summary: "Show what is on; exit code 4 if anything is",
    examples: ["alpha emergency-stop status", "alpha emergency-stop status --json"],
    tabular: true,
    load: () => import("./status.js"),
  });
}
