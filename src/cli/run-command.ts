import { CommanderError } from "commander";
import { AlphaError } from "../errors.js";
import { shouldColor } from "../render/color.js";
import { toJson } from "../render/json.js";
import { sanitize } from "../render/sanitize.js";
import { createStyle } from "../render/style.js";
import { EXIT, EXIT_OF } from "./exit-codes.js";
import type { Io } from "./io.js";
import { misuse } from "./misuse.js";
import { createProgram } from "./program.js";
import { type Run, wantsJson } from "./run.js";

/** Runs one command and returns its exit code. The only place that catches, and that knows exit codes. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const state: Run = { io, argv, exitCode: EXIT.done };
  const program = createProgram(state);
  try {
    await program.parseAsync(argv.length === 0 ? ["--help"] : [...argv], { from: "user" });
    return state.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(error, argv, io);
    if (error.exitCode === 0) return EXIT.done;
    // A noun alone was answered with its help.
    return error.code === "commander.help" ? EXIT.usage : fail(misuse(error, program, argv), argv, io);
  }
}

function fail(error: unknown, argv: readonly string[], io: Io): number {
  const known = error instanceof AlphaError ? error : unforeseen(error);
  if (wantsJson(argv)) {
    const { code, message, hint = null } = known;
    io.stderr.write(`${toJson({ error: { code, message, hint } }, 0)}\n`);
  } else {
    const color = shouldColor({
      env: io.env,
      isTTY: io.stderr.isTTY === true,
      ...(argv.includes("--no-color") ? { flag: false } : {}),
    });
    const style = createStyle({ color });
    io.stderr.write(`${style.bad("error:")} ${said(known.message)}\n`);
    if (known.hint !== undefined) io.stderr.write(`${style.muted("hint:")} ${said(known.hint)}\n`);
  }
  if (argv.includes("--debug")) io.stderr.write(`${(error as Error)?.stack ?? String(error)}\n`);
  return EXIT_OF[known.code];
}

/** What is told to people: steers no terminal, and no word fills the screen. */
function said(text: string): string {
  const short = text.replace(/\S{501,}/g, (word) => `${word.slice(0, 100)}… (${word.length} characters)`);
  return sanitize(short, "\n");
}

function unforeseen(error: unknown): AlphaError {
  const message = error instanceof Error ? error.message : String(error);
  return new AlphaError("failed", `something went wrong that alpha did not foresee: ${message}`, {
    hint: "run it again with --debug and report what it prints",
    cause: error,
  });
}
