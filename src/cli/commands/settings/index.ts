import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";

const SETTING = { setting: "its name, as alpha settings list shows it" };

export function declareSettings(program: Command, run: Run): void {
  const settings = noun(
    program,
    "settings",
    "What decides for everybody: thresholds, zone, default tier, rates",
  );
  declare(settings, run, {
    usage: "list",
    summary: "List every setting with its value and where that came from",
    details: "CSV and Markdown have the settings of the database.",
    examples: ["alpha settings list", "alpha settings list --json"],
    tabular: true,
    load: () => import("./list.js"),
  });
  declare(settings, run, {
    usage: "get <setting>",
    summary: "Print the value of one setting",
    args: SETTING,
    details: "CSV and Markdown have one row, with where the value came from.",
    examples: ["alpha settings get warn_at", "alpha settings get database"],
    tabular: true,
    load: () => import("./get.js"),
  });
  declare(settings, run, {
    usage: "set <setting> <value>",
    summary: "Change a setting, from the next decision on in every process",
    args: {
      ...SETTING,
      value: "its new value, such as 75%, 15m, 0.12, Europe/Berlin or unlimited",
    },
    options: [new Option("--reason <text>", "why, for the audit")],
    examples: [
      "alpha settings set warn_at 75%",
      "alpha settings set default_tier basic --reason 'open week' --dry-run",
    ],
    changes: true,
    load: () => import("./set.js"),
  });
}
