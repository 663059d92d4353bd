import { type Command, Option } from "commander";
import { declare, noun } from "../../../declare.js";
import type { Run } from "../../../run.js";
import { collect } from "../../../values.js";
import { quotaOptions } from "../../tiers/quota-options.js";

const USER = { user: "an id, an email or an alias" };

export function declareOverrides(users: Command, run: Run): void {
  const override = noun(users, "override", "Lay single limits and features over a tester's tier");
  declare(override, run, {
    usage: "add <user>",
    summary: "Replace limits of one tester, or grant or deny features",
    details:
      "The word add may be left out: alpha users override <user> --daily-tokens 5000. It holds from the next call on, until it expires or is revoked; a new override of the same limit or feature replaces the old one.",
    args: USER,
    options: [
      ...quotaOptions(),
      new Option("--grant <feature>", "a feature they may use; may be given several times").argParser(
        collect,
      ),
      new Option("--deny <feature>", "a feature they may not use; may be given several times").argParser(
        collect,
      ),
      new Option("--until <time>", "a day or an instant, exclusive (default: until it is revoked)"),
      new Option("--reason <text>", "why; told wherever the override is, and required"),
    ],
    examples: [
      "alpha users override add ada@example.com --daily-tokens 5000 --until 2026-12-01 --reason 'launch week'",
      "alpha users override add ada@example.com --daily-images unlimited --grant labs --reason 'tests images'",
    ],
    changes: true,
    byDefault: true,
    load: () => import("./add.js"),
  });
  declare(override, run, {
    usage: "list [user]",
    summary: "List what is overridden: for whom, by what, until when and why",
    args: USER,
    examples: ["alpha users override list", "alpha users override list ada@example.com --json"],
    tabular: true,
    load: () => import("./list.js"),
  });
  declare(override, run, {
    usage: "revoke <user> [what...]",
    summary: "End overrides before their time",
    args: {
      ...USER,
      what: "limits such as tokens/day, and features; may be left out where there is only one",
    },
    options: [
      new Option("--all", "every override that they have"),
      new Option("--reason <text>", "why, for the audit"),
    ],
    examples: [
      "alpha users override revoke cleo@example.com tokens/day",
      "alpha users override revoke cleo@example.com --all --dry-run",
    ],
    changes: true,
    load: () => import("./revoke.js"),
  });
}
