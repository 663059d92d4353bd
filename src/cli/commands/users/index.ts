import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";
import { collect } from "../../values.js";

const USER = { user: "an id, an email or an alias" };
const REASON = new Option("--reason <text>", "why, for the audit");

export function declareUsers(program: Command, run: Run): void {
  const users = noun(program, "users", "Onboard testers, move them between tiers, suspend them");
  declareAdd(users, run);
  declare(users, run, {
    usage: "list",
    summary: "List the testers",
    options: [
      new Option("--tier <tier>", "only those on a tier"),
      new Option("--status <status>", "only those who are").choices(["active", "suspended"]),
      new Option("--search <text>", "only those whose id, email, name or alias contains it"),
    ],
    examples: ["alpha users list", "alpha users list --tier pro --json"],
    tabular: true,
    load: () => import("./list.js"),
  });
  declare(users, run, {
    usage: "show <user>",
    summary: "Show one tester: tier, limits and how full they are, features, overrides",
    args: USER,
    examples: ["alpha users show ada@example.com", "alpha users show ada@example.com --json"],
    tabular: true,
    load: () => import("./show.js"),
  });
  declareMoves(users, run);
  declareSuspension(users, run);
}

function declareAdd(users: Command, run: Run): void {
  declare(users, run, {
    usage: "add [email]",
    summary: "Onboard a tester, or many from a CSV file",
    details:
      "On a terminal, without an email, it asks. A CSV file names its columns in its first line: email,id,name,tier,persona,alias, of which email or id is enough; several aliases are separated by spaces or ;. Either everybody in the file is added or nobody.",
    args: { email: "their email address" },
    options: [
      new Option("--id <id>", "their id in your product (default: a new one)"),
      new Option("--name <name>", "their name"),
      new Option("--tier <tier>", "the tier they start on (default: the setting default_tier)"),
      new Option("--persona <persona>", "how they are expected to use it: casual, active or power"),
      new Option(
        "--alias <alias>",
        "another name that logs use for them; may be given several times",
      ).argParser(collect),
      new Option("--from <file>", "a CSV file of testers; - reads stdin"),
    ],
    examples: [
      "alpha users add",
      "alpha users add ada@example.com --tier basic --persona active --alias key-7f3a",
      "alpha users add --from users.csv --dry-run",
    ],
    changes: true,
    load: () => import("./add.js"),
  });
}

function declareMoves(users: Command, run: Run): void {
  const options = [
    new Option("--clear-overrides", "end their overrides, so that only the tier counts"),
    REASON,
  ];
  const details =
    "Usage of the running day and month is kept and counts against the new limits, which apply from the next call on.";
  declare(users, run, {
    usage: "promote <user>",
    summary: "Move a tester up, by default to the next tier",
    details,
    args: USER,
    options: [new Option("--to <tier>", "the tier to move to (default: the next one up)"), ...options],
    examples: [
      "alpha users promote ada@example.com",
      "alpha users promote ada@example.com --to pro --reason 'launch partner' --dry-run",
    ],
    changes: true,
    load: () => import("./promote.js"),
  });
  declare(users, run, {
    usage: "demote <user>",
    summary: "Move a tester down, by default to the next tier",
    details,
    args: USER,
    options: [new Option("--to <tier>", "the tier to move to (default: the next one down)"), ...options],
    examples: [
      "alpha users demote ada@example.com",
      "alpha users demote ada@example.com --to free --dry-run",
    ],
    changes: true,
    load: () => import("./demote.js"),
  });
}

function declareSuspension(users: Command, run: Run): void {
  declare(users, run, {
    usage: "suspend <user>",
    summary: "Refuse every call of a tester until they are resumed",
    args: USER,
    options: [REASON],
    examples: ["alpha users suspend ada@example.com --reason 'shared the key'"],
    changes: true,
    load: () => import("./suspend.js"),
  });
  declare(users, run, {
    usage: "resume <user>",
    summary: "Let a suspended tester back in",
    args: USER,
    options: [REASON],
    examples: ["alpha users resume ada@example.com"],
    changes: true,
    load: () => import("./resume.js"),
  });
}
