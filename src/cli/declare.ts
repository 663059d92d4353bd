import { type Command, Option } from "commander";
import { action, type CommandModule, type Run } from "./run.js";

/** How a command is declared. Every command has a sentence and at least one example. */
export interface CommandSpec<Options> {
  /** The verb and its arguments, as commander writes them: `add [email]`. */
  readonly usage: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** More, where a sentence is not enough. */
  readonly details?: string;
  /** What each argument is. */
  readonly args?: Readonly<Record<string, string>>;
  readonly options?: readonly Option[];
  /** Whole command lines, each starting with `alpha`. */
  readonly examples: readonly string[];
  /** Changes something: has `--dry-run`. */
  readonly changes?: boolean;
  /** Asks before it acts: has `--yes`. */
  readonly confirms?: boolean;
  /** Prints a table: has `--format csv` and `markdown`. */
  readonly tabular?: boolean;
  /** What its noun alone means: `users override ada …` is `users override add ada …`. */
  readonly byDefault?: boolean;
  readonly load: () => Promise<CommandModule<Options>>;
}

/** What a noun alone means, where it means anything. */
export const defaultCommands = new WeakMap<Command, Command>();

/** Declares one command under a noun, or under the program itself. */
export function declare<Options>(parent: Command, run: Run, spec: CommandSpec<Options>): Command {
  const [name = "", ...args] = spec.usage.split(" ");
  const command = parent.command(name, { isDefault: spec.byDefault === true }).summary(spec.summary);
  if (spec.byDefault === true) defaultCommands.set(parent, command);
  command.description(spec.details === undefined ? `${spec.summary}.` : `${spec.summary}.\n${spec.details}`);
  for (const arg of args) command.argument(arg, spec.args?.[arg.replace(/[[\]<>.…]/g, "")] ?? "");
  for (const option of spec.options ?? []) command.addOption(option);
  if (spec.changes === true) command.option("--dry-run", "say what would change, and change nothing");
  if (spec.confirms === true) command.option("-y, --yes", "do not ask before going ahead");
  addCommonOptions(command, spec);
  command.addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  $ ${line}`).join("\n")}`);
  command.action(action(run, spec.load));
  return command;
}

function addCommonOptions(command: Command, spec: Pick<CommandSpec<unknown>, "tabular" | "options">): void {
  const formats = spec.tabular === true ? ["table", "json", "csv", "markdown"] : ["table", "json"];
  command.optionsGroup("Common options:");
  // A command that reads logs means theirs by --format; its own output is JSON or not.
  if (spec.options?.some((option) => option.long === "--format")) {
    command.option("--json", "print JSON");
  } else {
    command.addOption(new Option("--format <format>", "how to print").choices(formats));
    command.option("--json", "short for --format json");
  }
  command.option("--database <file>", "the database, instead of ALPHA_DATABASE or the config file");
  command.option("--no-color", "print without colour");
  command.option("--no-input", "never ask anything");
  command.option("--debug", "print a stack trace with an error");
  command.helpOption("-h, --help", "print this help");
}

/** Declares a noun that groups commands. */
export function noun(parent: Command, name: string, summary: string): Command {
  return parent.command(name).summary(summary).description(`${summary}.`).helpCommand(false);
}
