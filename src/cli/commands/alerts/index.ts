import { type Command, Option } from "commander";
import { declare } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareAlerts(program: Command, run: Run): void {
  declare(program, run, {
    usage: "alerts",
    summary: "List what an operator should hear of: limits reached, first refusals, guardrails that tripped",
    details:
      "Alerts are written in the transaction in which it happens: when a tester reaches 80 or 95 percent of a limit, at the first refusal of a day, when a guardrail trips, and by the daily reset when calls keep being reserved and never settled. With --new each is printed once, one line each and the oldest first, and with nothing new nothing at all: cron mails what it prints.",
    options: [
      new Option("--new", "only those not printed by --new before; they are told from then on"),
      new Option("--user <user>", "only those of one tester: id, email or alias"),
      new Option("--limit <count>", "how many, the newest first (default: 50)"),
      new Option("--before <number>", "only those numbered below this one: the next page"),
    ],
    examples: [
      "alpha alerts",
      "alpha alerts --new",
      "alpha alerts --user ada@example.com --limit 10",
      "alpha alerts --new --dry-run --json",
    ],
    changes: true,
    tabular: true,
    load: () => import("./alerts.js"),
  });
}
