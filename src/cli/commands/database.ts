import { type Command, Option } from "commander";
import { declare } from "../declare.js";
import type { Run } from "../run.js";

/** The commands with which everything begins. */
export function declareDatabase(program: Command, run: Run): void {
  declare(program, run, {
    usage: "demo",
    summary: "Show what alpha does, in a database that is thrown away",
    details:
      "Onboards nine testers, imports a month of their usage, reports it against the estimates, promotes one, and stops and lifts everything. The token counts are real calls; see docs/demo-data.md. Nothing of yours is touched.",
    examples: ["alpha demo", "alpha demo | less -R"],
    load: () => import("./demo.js"),
  });
  declare(program, run, {
    usage: "init",
    summary: "Create the database with its tiers and settings",
    details:
      "Safe to repeat: what is there stays, and a database of an older version is brought up to date. On a terminal it asks for the time zone and the daily budget unless they are given.",
    options: [
      new Option("--time-zone <zone>", "where days and months begin, such as Europe/Berlin (default: UTC)"),
      new Option("--daily-budget <usd>", "a guardrail: stop everything when all testers together reach it"),
      new Option("--remember", "keep the place of this database in the config file"),
    ],
    examples: [
      "alpha init",
      "alpha init --time-zone Europe/Berlin --daily-budget 25",
      "alpha init --database ~/alpha/alpha.db --remember",
    ],
    changes: true,
    load: () => import("./init.js"),
  });
}
