import { type Command, Option } from "commander";
import { declare } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareAudit(program: Command, run: Run): void {
  declare(program, run, {
    usage: "audit [entry]",
    summary: "List who changed what, when and why; newest first",
    details:
      "With the number of an entry, everything about that one. What can be undone: alpha undo <entry>.",
    args: { entry: "the number of one entry" },
    options: [
      new Option("--actor <actor>", "only what one did, such as an operator, cron or guardrail"),
      new Option("--subject <subject>", "only what was done to one thing, such as tier:free, or to one user"),
      new Option("--action <action>", "only one command, such as users.promote, or all of a noun"),
      new Option("--since <day>", "from this day or instant on"),
      new Option("--until <day>", "up to and not including this day or instant"),
      new Option("--limit <n>", "how many at most (default: 50)"),
      new Option("--before <entry>", "only entries numbered below this one: the next page"),
    ],
    examples: [
      "alpha audit",
      "alpha audit --subject ada@example.com --since 2026-11-01",
      "alpha audit --action emergency-stop --format csv",
      "alpha audit 1",
    ],
    tabular: true,
    load: () => import("./audit.js"),
  });
}
