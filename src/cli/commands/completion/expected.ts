import type { Argument, Command, Option } from "commander";
import { defaultCommands } from "../../declare.js";

/** Something that can stand where the cursor is. */
export interface Candidate {
  readonly word: string;
  /** What it is; may be empty. */
  readonly about: string;
}

/** What can stand where the cursor is. */
export interface Expected {
  /** Words of the command tree. */
  readonly candidates: readonly Candidate[];
  /** What else is expected, as help calls it: `user`, `tier`, `file`; `null`: nothing else. */
  readonly value: string | null;
  /** Before each value; not empty where an option and its value are one word: `--tier=`. */
  readonly prefix: string;
}

/** What a command line says so far. */
export interface Begun {
  /** The words of the command: `settings set`. */
  readonly command: string;
  /** Its finished arguments. */
  readonly args: readonly string[];
  /** The options that were given, by their long names. */
  readonly options: readonly string[];
}

const NOTHING: Expected = { candidates: [], value: null, prefix: "" };

/**
 * What the command tree expects at the end of a command line.
 * @param words the finished words behind `alpha`
 * @param current the word at the cursor, up to it; may be empty
 */
export function expected(
  program: Command,
  words: readonly string[],
  current: string,
): Expected & { readonly begun: Begun } {
  const line = readLine(program, words);
  return { ...expectedAt(line, current), begun: begunBy(line) };
}

function begunBy({ command, positionals, given }: Line): Begun {
  const path: string[] = [];
  for (let at = command; at.parent !== null; at = at.parent) path.unshift(at.name());
  return { command: path.join(" "), args: positionals, options: given.map(({ long }) => long ?? "") };
}

function expectedAt(line: Line, current: string): Expected {
  if (line.pending !== null) return valueOfOption(line.pending, "");
  const [, name, assigned] = /^(--[^=]+)=(.*)$/s.exec(line.onlyArguments ? "" : current) ?? [];
  if (assigned !== undefined) {
    const option = optionOf(line.command, name as string);
    return option === undefined ? NOTHING : valueOfOption(option, `${name}=`);
  }
  if (!line.onlyArguments && current.startsWith("-")) return optionsOf(line);
  return argumentOf(line);
}

interface Line {
  readonly command: Command;
  readonly positionals: readonly string[];
  /** The option whose value comes next. */
  readonly pending: Option | null;
  readonly given: readonly Option[];
  /** Behind `--` nothing is an option. */
  readonly onlyArguments: boolean;
}

function readLine(program: Command, words: readonly string[]): Line {
  let command = program;
  let pending: Option | null = null;
  let onlyArguments = false;
  const positionals: string[] = [];
  const given: Option[] = [];
  for (const word of words) {
    if (pending !== null) pending = null;
    else if (!onlyArguments && word === "--") onlyArguments = true;
    else if (!onlyArguments && word.startsWith("-") && word !== "-") {
      const [name = "", value] = word.split("=", 2);
      const option = optionOf(command, name);
      if (option === undefined) continue;
      given.push(option);
      if (takesValue(option) && value === undefined) pending = option;
    } else {
      const below = command.commands.find((each) => each.name() === word);
      if (below !== undefined) {
        command = below;
      } else {
        command = defaultCommands.get(command) ?? command;
        positionals.push(word);
      }
    }
  }
  return { command, positionals, pending, given, onlyArguments };
}

function optionOf(command: Command, name: string): Option | undefined {
  const options = [...command.options, ...(defaultCommands.get(command)?.options ?? [])];
  return options.find((option) => option.long === name || option.short === name);
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function valueOfOption(option: Option, prefix: string): Expected {
  const choices = option.argChoices?.map((choice) => ({ word: `${prefix}${choice}`, about: "" }));
  if (choices !== undefined) return { ...NOTHING, candidates: choices };
  return { ...NOTHING, value: /[<[]([\w-]+)/.exec(option.flags)?.[1] ?? null, prefix };
}

function optionsOf({ command, given }: Line): Expected {
  const options = [...command.options, ...(defaultCommands.get(command)?.options ?? [])];
  const left = options.filter(
    (option) => !option.hidden && option.long && (option.parseArg !== undefined || !given.includes(option)),
  );
  return {
    ...NOTHING,
    candidates: [
      ...left.map(({ long, description }) => ({ word: long as string, about: description })),
      { word: "--help", about: "print help" },
    ],
  };
}

function argumentOf(line: Line): Expected {
  const { command, positionals } = line;
  if (command.commands.length > 0) {
    if (positionals.length > 0) return NOTHING;
    const byDefault = defaultCommands.get(command);
    const below = command.commands.map((each) => ({ word: each.name(), about: each.summary() }));
    const first = byDefault?.registeredArguments[0];
    return { ...NOTHING, candidates: below, value: first === undefined ? null : first.name() };
  }
  const argument = argumentAt(command.registeredArguments, positionals.length);
  // Where nothing more can be said, what can be said about it is shown at once.
  return argument === undefined ? optionsOf(line) : { ...NOTHING, value: argument.name() };
}

function argumentAt(all: readonly Argument[], index: number): Argument | undefined {
  const last = all.at(-1);
  return all[index] ?? (last?.variadic === true ? last : undefined);
}
