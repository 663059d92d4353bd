import type { Command } from "commander";
import type { CommonOptions, Context } from "./context.js";
import type { Io } from "./io.js";

/** The module of one command. */
export interface CommandModule<Options> {
  readonly default: (context: Context, invocation: Invocation<Options>) => Promise<void>;
}

export interface Invocation<Options> {
  /** Positional arguments in their order; a variadic one is the last, as an array. */
  readonly args: readonly (string | string[] | undefined)[];
  readonly options: Options & CommonOptions;
}

/** Where the outcome of the command that ran is left. */
export interface Run {
  readonly io: Io;
  readonly argv: readonly string[];
  exitCode: number;
}

/** Makes the action of a command: its module is imported only when it runs. */
export function action<Options>(run: Run, load: () => Promise<CommandModule<Options>>) {
  return async function (this: Command, ...given: unknown[]): Promise<void> {
    const args = given.slice(0, -2) as (string | string[] | undefined)[];
    const options = this.optsWithGlobals() as Options & CommonOptions;
    // The context brings all that renders; whoever only asks for help does not wait for it.
    const [{ Context }, module] = await Promise.all([import("./context.js"), load()]);
    const context = new Context(run.io, options);
    try {
      await module.default(context, { args, options });
      run.exitCode = context.exitCode;
    } finally {
      await context.close();
    }
  };
}

/** Whether errors, too, are for a program: asked of the raw arguments, since they may be what is wrong. */
export function wantsJson(argv: readonly string[]): boolean {
  const at = argv.indexOf("--format");
  return argv.includes("--json") || argv.includes("--format=json") || (at >= 0 && argv[at + 1] === "json");
}
