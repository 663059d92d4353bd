import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";

/** What runs by itself, and how to have it run. */
export function declareReset(program: Command, run: Run): void {
  const reset = noun(program, "reset", "Close the days that are over");
  declare(reset, run, {
    usage: "daily",
    summary: "Close the days that are over: cron's job",
    details:
      "Ends holds, overrides and time-boxed stops that ran out, and records that the day is closed. It catches up on days it missed, does nothing for a day twice, and says nothing off a terminal when all went well. Limits do not depend on it: a new day begins by itself.",
    options: [new Option("--at <instant>", "close the days that are over at this instant (default: now)")],
    examples: [
      "alpha reset daily",
      "alpha reset daily --dry-run",
      "alpha reset daily --at 2026-11-22T00:05:00Z",
    ],
    changes: true,
    load: () => import("./daily.js"),
  });

  const cron = noun(program, "cron", "Have the daily reset run by itself");
  declare(cron, run, {
    usage: "show",
    summary: "Print the crontab line and the systemd timer for the daily reset",
    details:
      "With absolute paths, quoted, to be pasted. Nothing is installed. CSV and Markdown have one file a row.",
    options: [new Option("--only <which>", "print nothing else").choices(["crontab", "systemd"])],
    examples: ["alpha cron show", "(crontab -l; alpha cron show --only crontab) | crontab -"],
    tabular: true,
    load: () => import("../cron/show.js"),
  });
}
