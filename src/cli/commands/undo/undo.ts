import { undo as undoEntry } from "../../../engine/undo.js";
import { undoneJson, undoneText } from "../../../render/views/audit.js";
import { spentSentences } from "../../../render/views/guardrails.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount } from "../../values.js";

interface Options {
  readonly reason?: string;
}

export default async function undo(
  context: Context,
  { args, options: { reason } }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const engine = await context.engine();
  const number = parseCount("the entry", args[0] as string);
  const done = await undoEntry(engine, number, reason === undefined ? {} : { reason }, { dryRun });
  const local = context.width === null ? null : (await engine.store.meter.settings()).time_zone;
  context.changed({
    kind: "undo",
    data: undoneJson(done, dryRun),
    text: (style, width) => undoneText(done, { dryRun, local, style, width }),
  });
  for (const sentence of spentSentences(done.guardrails)) context.warn(sentence);
}
