import type { Command, CommanderError } from "commander";
import { AlphaError } from "../errors.js";

const SUGGESTION = /\n\(Did you mean (.+?)\?\)$/s;
const UNKNOWN = /^unknown (option|command) '(.+?)'/;
/** More suggestions than that are no hint. */
const MOST_SUGGESTED = 3;

/** What commander found wrong with a command line, said as every other error is. */
export function misuse(error: CommanderError, program: Command, argv: readonly string[]): AlphaError {
  const said = error.message.replace(/^error: /, "");
  const reached = commandIn(program, argv);
  const meant = meantBy(said, program, reached) ?? SUGGESTION.exec(said)?.[1];
  const hint =
    meant === undefined ? `see how it is used with: ${pathOf(reached)} --help` : `did you mean ${meant}?`;
  return new AlphaError("usage", said.replace(SUGGESTION, ""), { hint, cause: error });
}

/** What commander's own suggestion, which looks for words of like spelling, does not think of. */
function meantBy(said: string, program: Command, reached: Command): string | undefined {
  const [, kind, typed] = UNKNOWN.exec(said) ?? [];
  if (typed === undefined) return undefined;
  const found = kind === "option" ? optionsBegunBy(typed, reached) : commandsNamed(typed, program);
  if (found.length === 0 || found.length > MOST_SUGGESTED) return undefined;
  const last = found.pop();
  return found.length === 0 ? last : `${found.join(", ")} or ${last}`;
}

function optionsBegunBy(typed: string, { options }: Command): string[] {
  return options.flatMap(({ long }) => (long?.startsWith(`${typed}-`) ? [long] : []));
}

/** The commands of that name anywhere in the tree, as they are typed. */
function commandsNamed(name: string, command: Command): string[] {
  return command.commands.flatMap((each) => [
    ...(each.name() === name ? [pathOf(each)] : []),
    ...commandsNamed(name, each),
  ]);
}

/** The command that a command line got as far as naming. */
function commandIn(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
