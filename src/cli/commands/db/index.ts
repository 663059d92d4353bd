import type { Command } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareDb(program: Command, run: Run): void {
  const db = noun(program, "db", "Prove that the database is right");
  declare(db, run, {
    usage: "verify",
    summary: "Add up the whole ledger and compare every total with it",
    details:
      "Totals of users, reports and guardrails are kept while usage is entered; this proves that they are what the ledger comes to, and names each that is not. It only reads, and others may write meanwhile. Exits 1 when anything differs.",
    examples: ["alpha db verify", "alpha db verify --json"],
    tabular: true,
    load: () => import("./verify.js"),
  });
}
