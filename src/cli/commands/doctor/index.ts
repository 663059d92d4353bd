import { type Command, Option } from "commander";
import { declare } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareDoctor(program: Command, run: Run): void {
  declare(program, run, {
    usage: "doctor",
    summary: "Look for everything that could be wrong, and say what to do about it",
    details:
      "The database and its file or server, clock and time zone, the nightly job, stops, budget, limits that contradict each other, prices, products, and whether totals are what the ledger adds up to. It changes nothing. Exits 0 when nothing is wrong, warnings apart; 1 when something is; 3 when the database cannot be used, which is in the list like everything else.",
    options: [
      new Option("--quick", "leave out what reads the whole ledger or the whole file"),
      new Option("--strict", "exit 1 when there is a warning, too"),
    ],
    examples: ["alpha doctor", "alpha doctor --quick", "alpha doctor --json"],
    tabular: true,
    load: () => import("./doctor.js"),
  });
}
