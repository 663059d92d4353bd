import { type Command, Option } from "commander";
import { declare, noun } from "../../../declare.js";
import type { Run } from "../../../run.js";

const USER = { user: "an id, an email or an alias" };
const REASON = new Option("--reason <text>", "why, for the audit");

export function declareAliases(users: Command, run: Run): void {
  const alias = noun(users, "alias", "Give a tester further names, as logs and products use them");
  declare(alias, run, {
    usage: "add <user> <aliases...>",
    summary: "Add aliases: a second email, the hash of an API key, an id of another system",
    details: "Ids, emails and aliases share one namespace: a name finds one tester at most.",
    args: { ...USER, aliases: "names that find them from now on" },
    options: [REASON],
    examples: ["alpha users alias add ada@example.com key-7f3a ada@home.example"],
    changes: true,
    load: () => import("./add.js"),
  });
  declare(alias, run, {
    usage: "remove <user> <aliases...>",
    summary: "Take aliases away; they find nobody any more",
    details: "What was imported under them stays counted.",
    args: { ...USER, aliases: "aliases that they have" },
    options: [REASON],
    examples: ["alpha users alias remove ada@example.com key-7f3a-old"],
    changes: true,
    load: () => import("./remove.js"),
  });
}
