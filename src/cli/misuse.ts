import type { Command, CommanderError } from "commander";
import { AlphaError } from "../errors.js";

const SUGGESTION = /\n\(Did you mean (.+?)\?\)$/s;

/** What commander found wrong with a command line, said as every other error is. */
export function misuse(error: CommanderError, program: Command, argv: readonly string[]): AlphaError {
  const said = error.message.replace(/^error: /, "");
  const suggestion = SUGGESTION.exec(said)?.[1];
  const hint =
    suggestion === undefined
      ? `see how it is used with: ${commandIn(program, argv)} --help`
      : `did you mean ${suggestion}?`;
  return new AlphaError("usage", said.replace(SUGGESTION, ""), { hint, cause: error });
}

/** The command that a command line got as far as naming. */
function commandIn(program: Command, argv: readonly string[]): string {
  let path = program.name();
  let command = program;
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    path += ` ${word}`;
    command = next;
  }
  return path;
}
