import { type Command, Option } from "commander";
import { declare } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareUndo(program: Command, run: Run): void {
  declare(program, run, {
    usage: "undo <entry>",
    summary: "Undo one change, unless something has been built upon it since",
    details:
      "What it changed is put back as it was before: a tier, a move between tiers, an override, a suspension, a persona, a setting, a price, a guardrail, an emergency stop. Usage stays as it is; an import has alpha usage undo-import. An undoing is in the audit like every change, and can be undone.",
    args: { entry: "the number of an entry, as alpha audit shows it" },
    options: [new Option("--reason <text>", "why, for the audit")],
    examples: ["alpha undo 5", "alpha undo 5 --reason 'for the wrong tester' --dry-run"],
    changes: true,
    load: () => import("./undo.js"),
  });
}
