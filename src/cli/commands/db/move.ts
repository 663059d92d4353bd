import { moveDatabase } from "../../../engine/move.js";
import { AlphaError } from "../../../errors.js";
import { movedJson, movedText, moveQuestion } from "../../../render/views/database-move.js";
import { openMove } from "../../../store/move.js";
import { placeOf } from "../../config.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import { COMMAND_WAIT_MS } from "../../open-engine.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly to: string;
}

export default async function move(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { dryRun } = context;
  const engine = await context.engine();
  const waiting = { waitMs: COMMAND_WAIT_MS };
  const opened = await openMove(
    { database: context.config.address, ...waiting },
    { database: targetOf(options.to, context), ...waiting },
  );
  try {
    const progress = await context.progress("moving");
    const moved = await moveDatabase(engine, opened, {
      dryRun,
      signal: context.io.signal,
      progress,
      approve: () => context.confirm(moveQuestion(engine.store.location, opened.to)),
    }).finally(() => progress.end());
    if ((moved.verification?.differenceCount ?? 0) > 0) context.exitCode = EXIT.failed;
    context.changed({
      kind: "db-move",
      data: movedJson(moved),
      text: (style, width) => movedText(moved, { style, width }),
    });
  } finally {
    await opened.close();
  }
}

function targetOf(text: string, { io }: Context): string {
  if (text.trim() === "") {
    throw new AlphaError("usage", "--to is empty", { hint: "name a file, or an address: postgres://…" });
  }
  return placeOf(text, "--to", io.env);
}
