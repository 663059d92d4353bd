import { resetDaily } from "../../../engine/reset.js";
import { AlphaError } from "../../../errors.js";
import { resetJson, resetText } from "../../../render/views/reset.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseMoment } from "../../values.js";

interface Options {
  readonly at?: string;
}

export default async function daily(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { dryRun, format, io } = context;
  const at = options.at === undefined ? undefined : parseMoment("--at", options.at);
  const quiet = io.stdout.isTTY !== true && format !== "json";
  try {
    const engine = await context.engine();
    const done = await resetDaily(
      { ...engine, actor: actorOf(context, engine.actor) },
      { signal: io.signal, ...(at === undefined ? {} : { at }) },
      { dryRun },
    );
    // Cron mails whatever is printed.
    if (quiet && !dryRun) return;
    context.changed({
      kind: "reset",
      data: resetJson(done),
      text: (style) => resetText({ ...done, dryRun }, style),
    });
  } catch (error) {
    throw quiet ? onOneLine(error) : error;
  }
}

/** Under cron the name of an account says little: what has no terminal and was not told who acts is `cron`. */
function actorOf({ io }: Context, actor: string): string {
  const told = (io.env.ALPHA_ACTOR?.trim() ?? "") !== "";
  return told || io.stdin.isTTY === true ? actor : "cron";
}

function onOneLine(error: unknown): unknown {
  if (!(error instanceof AlphaError) || error.hint === undefined) return error;
  return new AlphaError(error.code, `${error.message}; ${error.hint}`, { cause: error.cause });
}
