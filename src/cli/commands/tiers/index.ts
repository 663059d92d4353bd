import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";
import { collect } from "../../values.js";
import { quotaOptions } from "./quota-options.js";

const TIER = { tier: "the key of a tier, such as free" };
const REASON = new Option("--reason <text>", "why, for the audit");

function tierOptions(): Option[] {
  return [
    new Option("--label <label>", "its name for people"),
    new Option("--rank <n>", "its place in the order, from 1; promote goes up, demote down"),
    ...limitOptions(),
  ];
}

function limitOptions(): Option[] {
  return [
    ...quotaOptions(),
    new Option("--call-tokens <n>", "tokens that one call may use; unlimited; or setting, for the default"),
  ];
}

export function declareTiers(program: Command, run: Run): void {
  const tiers = noun(program, "tiers", "What testers may use: limits and features by tier");
  declare(tiers, run, {
    usage: "list",
    summary: "List the tiers by rank, with their limits",
    examples: ["alpha tiers list", "alpha tiers list --json"],
    tabular: true,
    load: () => import("./list.js"),
  });
  declare(tiers, run, {
    usage: "show <tier>",
    summary: "Show one tier: limits, features, how many are on it",
    args: TIER,
    examples: ["alpha tiers show free"],
    tabular: true,
    load: () => import("./show.js"),
  });
  declare(tiers, run, {
    usage: "add <tier>",
    summary: "Add a tier",
    details: "What is not limited is unlimited. Without --rank it goes to the top.",
    args: { tier: "its key: lower-case letters, digits, _ and -" },
    options: [
      ...tierOptions(),
      new Option("--feature <feature>", "a feature it allows; may be given several times").argParser(collect),
      REASON,
    ],
    examples: [
      "alpha tiers add team --label 'Team Alpha' --daily-tokens 100,000 --monthly-cost 800 --feature all_features",
    ],
    changes: true,
    load: () => import("./add.js"),
  });
  declareChanges(tiers, run);
  declareSimulate(tiers, run);
}

function declareSimulate(tiers: Command, run: Run): void {
  declare(tiers, run, {
    usage: "simulate <tier>",
    summary:
      "Replay what happened against other limits: whom they would refuse, and what that saves or costs",
    details: [
      "Calls that asked before they were made are judged again as they were then; usage that was only recorded is judged",
      "as if it had asked, and told apart. Nothing is changed. Without a limit it replays with the limits as they were,",
      "and without a range the running month.",
    ].join(" "),
    args: TIER,
    options: [
      ...limitOptions(),
      new Option("--month <month>", "one month, such as 2026-10"),
      new Option("--since <day>", "from a day on"),
      new Option("--until <day>", "up to and not including a day"),
      new Option("--by <what>", "what a row stands for; day: a day, user and reason")
        .choices(["user", "day"])
        .default("user"),
    ],
    examples: [
      "alpha tiers simulate basic --daily-tokens 8000",
      "alpha tiers simulate free --daily-tokens 2000 --monthly-cost 5 --since 2026-11-01 --by day",
    ],
    tabular: true,
    load: () => import("./simulate.js"),
  });
}

function declareChanges(tiers: Command, run: Run): void {
  declare(tiers, run, {
    usage: "set <tier>",
    summary: "Change a tier for everybody on it, at once",
    args: TIER,
    options: [
      ...tierOptions(),
      new Option("--feature <feature>", "replaces its features; may be given several times").argParser(
        collect,
      ),
      new Option("--add-feature <feature>", "allows one more; may be given several times").argParser(collect),
      new Option("--remove-feature <feature>", "takes one away; may be given several times").argParser(
        collect,
      ),
      REASON,
    ],
    examples: [
      "alpha tiers set free --daily-tokens 2000 --dry-run",
      "alpha tiers set basic --daily-images unlimited --add-feature basic_seo",
    ],
    changes: true,
    load: () => import("./set.js"),
  });
  declare(tiers, run, {
    usage: "remove <tier>",
    summary: "Remove a tier that nobody is on",
    args: TIER,
    options: [REASON],
    examples: ["alpha tiers remove team", "alpha tiers remove team --yes"],
    changes: true,
    confirms: true,
    load: () => import("./remove.js"),
  });
}
