import { Writable } from "node:stream";
import type { Command } from "commander";
// @ts-expect-error the script is plain JavaScript, so that it runs without a build, and has no declarations
import { examplesOf as readExamples } from "../../scripts/make-cli-reference.mjs";
import type { Io } from "../../src/cli/io.js";
import { createProgram } from "../../src/cli/program.js";

/** The program's own command tree, whose output nobody sees. Running one of its commands would do what it does. */
export function commandTree(): Command {
  const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const io = { stdin: process.stdin, stdout: nowhere(), stderr: nowhere(), env: {}, now: () => 0 };
  const signal = new AbortController().signal;
  return createProgram({ io: { ...io, signal } satisfies Io, argv: [], exitCode: 0 });
}

/** Every command that does something, by its words: `users add`. */
export function leaves(command: Command, path: readonly string[] = []): [string, Command][] {
  if (path.length > 0 && command.commands.length === 0) return [[path.join(" "), command]];
  return command.commands.flatMap((each) => leaves(each, [...path, each.name()]));
}

/** Every word or words that can stand behind `alpha`, nouns included. */
export function paths(command: Command, path: readonly string[] = []): string[] {
  const below = command.commands.flatMap((each) => paths(each, [...path, each.name()]));
  return path.length === 0 ? below : [path.join(" "), ...below];
}

/** The command lines that the help of a command ends with. */
export function examplesOf(command: Command): string[] {
  return readExamples(command);
}

/** Whether a command offers an option, such as `--dry-run`. */
export function offers(command: Command, long: string): boolean {
  return command.options.some((option) => option.long === long);
}

/** The formats that a command prints, where it lets one choose. */
export function formatsOf(command: Command): readonly string[] {
  return command.options.find((option) => option.long === "--format")?.argChoices ?? [];
}
