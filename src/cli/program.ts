import { Command } from "commander";
import { shouldColor } from "../render/color.js";
import { VERSION } from "../version.js";
import { declareAlerts } from "./commands/alerts/index.js";
import { declareAudit } from "./commands/audit/index.js";
import { declareCompletion } from "./commands/completion/index.js";
import { declareDatabase } from "./commands/database.js";
import { declareDb } from "./commands/db/index.js";
import { declareDoctor } from "./commands/doctor/index.js";
import { declareEmergency } from "./commands/emergency-stop/index.js";
import { declareGuardrails } from "./commands/guardrails/index.js";
import { declareHolds } from "./commands/holds/index.js";
import { declarePrices } from "./commands/prices/index.js";
import { declareReconcile } from "./commands/reconcile/index.js";
import { declareReset } from "./commands/reset/index.js";
import { declareSettings } from "./commands/settings/index.js";
import { declareStatus } from "./commands/status/index.js";
import { declareTiers } from "./commands/tiers/index.js";
import { declareUndo } from "./commands/undo/index.js";
import { declareUsage } from "./commands/usage/index.js";
import { declareUsers } from "./commands/users/index.js";
import type { Run } from "./run.js";

const SUMMARY =
  "Manage the testers of an AI product: their tiers and limits, what they use, what it costs, and one switch that stops everything.";

/** The whole command tree. Nothing of a command but its words is loaded before it runs. */
export function createProgram(run: Run): Command {
  const { io } = run;
  const program = new Command("alpha");
  program
    .description(SUMMARY)
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // What is wrong with a command line is told where every other error is.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      getOutHasColors: () => shouldColor({ env: io.env, isTTY: io.stdout.isTTY === true }),
      getErrHasColors: () => shouldColor({ env: io.env, isTTY: io.stderr.isTTY === true }),
    });

  program.commandsGroup("Start:");
  declareDatabase(program, run);
  program.commandsGroup("Is all well:");
  declareStatus(program, run);
  declareAlerts(program, run);
  declareDoctor(program, run);
  program.commandsGroup("Testers and what they may use:");
  declareUsers(program, run);
  declareTiers(program, run);
  program.commandsGroup("Usage and cost:");
  declareUsage(program, run);
  declarePrices(program, run);
  declareReconcile(program, run);
  program.commandsGroup("Decide and stop:");
  declareEmergency(program, run);
  declareGuardrails(program, run);
  declareHolds(program, run);
  program.commandsGroup("Every night:");
  declareReset(program, run);
  program.commandsGroup("What was done, and how it is set:");
  declareAudit(program, run);
  declareUndo(program, run);
  declareSettings(program, run);
  program.commandsGroup("The database:");
  declareDb(program, run);
  program.commandsGroup("The shell:");
  declareCompletion(program, run);
  program.addHelpText(
    "after",
    "\nEvery command explains itself: alpha <command> --help\nTry it without touching anything: alpha demo",
  );
  return program;
}
