import { AlphaError } from "../errors.js";
import type { Io } from "./io.js";

/** Inquirer, loaded only when something is asked; prompts go to stderr, so that stdout stays data. */
async function asking<T>(
  io: Io,
  ask: (streams: {
    input: NodeJS.ReadableStream;
    output: NodeJS.WritableStream;
    signal: AbortSignal;
  }) => Promise<T>,
): Promise<T> {
  try {
    return await ask({
      input: io.stdin as NodeJS.ReadableStream,
      output: io.stderr as NodeJS.WritableStream,
      signal: io.signal,
    });
  } catch (error) {
    if (error instanceof Error && ["ExitPromptError", "AbortPromptError"].includes(error.name)) {
      throw new AlphaError("interrupted", "nothing was changed", { cause: error });
    }
    throw error;
  }
}

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
  readonly description?: string;
}

/** Asks for a line of text until `check` finds nothing wrong with it. */
export async function askText(
  io: Io,
  question: {
    readonly message: string;
    readonly initial?: string;
    readonly check?: (text: string) => string | null;
  },
): Promise<string> {
  const { input } = await import("@inquirer/prompts");
  return asking(io, (streams) =>
    input(
      {
        message: question.message,
        ...(question.initial === undefined ? {} : { default: question.initial }),
        validate: (text) => question.check?.(text) ?? true,
      },
      streams,
    ),
  );
}

export async function askChoice<T>(
  io: Io,
  question: { readonly message: string; readonly choices: readonly Choice<T>[]; readonly initial?: T },
): Promise<T> {
  const { select } = await import("@inquirer/prompts");
  return asking(io, (streams) =>
    select<T>(
      {
        message: question.message,
        choices: question.choices.map((choice) => ({ ...choice })),
        ...(question.initial === undefined ? {} : { default: question.initial }),
      },
      streams,
    ),
  );
}

export async function confirm(message: string, io: Io): Promise<boolean> {
  const { confirm: ask } = await import("@inquirer/prompts");
  return asking(io, (streams) => ask({ message, default: false }, streams));
}
