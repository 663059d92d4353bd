import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";
import { collect } from "../../values.js";
import { declareAliases } from "./alias/index.js";
import { declareOverrides } from "./override/index.js";

const USER = { user: "an id, an email or an alias" };
const REASON = new Option("--reason <text>", "why, for the audit");

export function declareUsers(program: Command, run: Run): void {
  const users = noun(
    program,
    "users",
    "Onboard testers, move them between tiers, override their limits, let them go",
  );
  declareAdd(users, run);
  declare(users, run, {
    usage: "list",
    summary: "List the testers",
    options: [
      new Option("--tier <tier>", "only those on a tier"),
      new Option("--status <status>", "only those who are").choices(["active", "suspended", "removed"]),
      new Option("--search <text>", "only those whose id, email, name or alias contains it"),
      new Option(
        "--blocked",
        "only those whose next call would be refused, and what refuses it; limits of 0 tokens or images, which switch those off, are left out",
      ),
      new Option("--near", "only those who are near a limit, and which; with --blocked, either"),
    ],
    examples: ["alpha users list", "alpha users list --tier pro --json", "alpha users list --near --blocked"],
    tabular: true,
    load: () => import("./list.js"),
  });
  declare(users, run, {
    usage: "show <user>",
    summary: "Show one tester: tier, limits and how full they are, features, overrides",
    args: USER,
    options: [
      new Option(
        "--for-tester",
        "the text to send them: what they may use, what is left, when it comes back",
      ),
    ],
    examples: [
      "alpha users show ada@example.com",
      "alpha users show ada@example.com --json",
      "alpha users show ada@example.com --for-tester",
    ],
    tabular: true,
    load: () => import("./show.js"),
  });
  declareMoves(users, run);
  declare(users, run, {
    usage: "suggest",
    summary: "Suggest promotions and demotions that real usage supports",
    details:
      "A promotion where a limit, or a feature that is not in the tier, was in somebody's way on three days or more, or the month's limit is used up; a demotion where nothing was, and half of the lower tier's limits would do. Each with its reason and with what it may cost. Whoever changed tier on a day is judged from the next one on, and a refusal counts where the limit that made it would make it again as it is now.",
    options: [
      new Option("--days <count>", "how many days to look at, today among them (default: 14)"),
      new Option("--only <kind>", "only one kind").choices(["promotions", "demotions"]),
      new Option("--apply", "go through them one by one and ask; with --yes apply them all"),
    ],
    examples: [
      "alpha users suggest",
      "alpha users suggest --only promotions --json",
      "alpha users suggest --apply --yes --dry-run",
    ],
    changes: true,
    confirms: true,
    tabular: true,
    load: () => import("./suggest.js"),
  });
  declareOverrides(users, run);
  declareReset(users, run);
  declareSuspension(users, run);
  declarePersona(users, run);
  declareNames(users, run);
  declareLeaving(users, run);
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
      new Option("--restore", "bring back somebody who was removed, by any of their names"),
    ],
    examples: [
      "alpha users add",
      "alpha users add ada@example.com --tier basic --persona active --alias key-7f3a",
      "alpha users add --from users.csv --dry-run",
      "alpha users add finn@example.com --restore",
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

function declareReset(users: Command, run: Run): void {
  declare(users, run, {
    usage: "reset <user>",
    summary: "Give a tester a fresh quota: limits forget what they have used today",
    details:
      "The ledger and what it cost stay as they are, and guardrails and emergency limits still count it. --meter forgives one meter, in the day or month that their limits of it are for: --meter cost the month's cost.",
    args: USER,
    options: [
      new Option("--meter <meter>", "only this one").choices(["tokens", "images", "cost", "requests"]),
      new Option("--period <period>", "the running day, or the running month").choices(["day", "month"]),
      REASON,
    ],
    examples: [
      "alpha users reset ada@example.com --reason 'our bug used it up'",
      "alpha users reset ada@example.com --meter cost --dry-run",
    ],
    changes: true,
    load: () => import("./reset.js"),
  });
}

function declarePersona(users: Command, run: Run): void {
  declare(users, run, {
    usage: "persona <user> <persona>",
    summary: "Change how a tester is expected to use the product",
    details:
      "It limits nothing: reports set what is expected beside what was used, for past months too. Without a persona it is inferred from use.",
    args: { ...USER, persona: "casual, active or power; none to take it away" },
    options: [REASON],
    examples: [
      "alpha users persona ada@example.com power",
      "alpha users persona ada@example.com none --dry-run",
    ],
    changes: true,
    load: () => import("./persona.js"),
  });
}

function declareNames(users: Command, run: Run): void {
  declare(users, run, {
    usage: "rename <user> [email]",
    summary: "Change a tester's email or name",
    details: "The old email still finds them, as an alias. Their id stays.",
    args: { ...USER, email: "the email that they have from now on" },
    options: [new Option("--name <name>", "the name that they have from now on; '' for none"), REASON],
    examples: [
      "alpha users rename ada@example.com ada@lovelace.example",
      "alpha users rename ada@example.com --name 'Ada King'",
    ],
    changes: true,
    load: () => import("./rename.js"),
  });
  declareAliases(users, run);
}

function declareLeaving(users: Command, run: Run): void {
  declare(users, run, {
    usage: "remove <user>",
    summary: "Take a tester out of the alpha; what they used stays",
    details:
      "Every call is refused from the next decision on. Their usage stays in the ledger and in reports, their names stay reserved, and alpha users add --restore brings them back.",
    args: USER,
    options: [REASON],
    examples: [
      "alpha users remove ada@example.com",
      "alpha users remove ada@example.com --reason 'left the alpha' --yes",
    ],
    changes: true,
    confirms: true,
    load: () => import("./remove.js"),
  });
  declare(users, run, {
    usage: "erase <user>",
    summary: "Forget who a tester was, for good; totals stay",
    details:
      "Id, email, name and aliases are replaced by a pseudonym wherever alpha keeps them, the audit and reasons included. What was used, when, and what it cost stays. It cannot be undone. It does not reach your backups, logs that were imported, and the names of those files.",
    args: USER,
    options: [REASON],
    examples: ["alpha users erase bob@example.com --dry-run", "alpha users erase bob@example.com --yes"],
    changes: true,
    confirms: true,
    load: () => import("./erase.js"),
  });
}
