import { requireImport } from "../../../engine/imports.js";
import { undoImport } from "../../../engine/undo-import.js";
import { plural } from "../../../render/text.js";
import { undoneJson, undoneText } from "../../../render/views/imports.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount } from "../../values.js";

export default async function undo(
  context: Context,
  { args, options: { reason } }: Invocation<{ readonly reason?: string }>,
): Promise<void> {
  const { dryRun } = context;
  const number = parseCount("the number of an import", String(args[0]));
  const engine = await context.engine();
  const record = await engine.store.read((tx) => requireImport(tx, number));
  if (record.finishedAt === null) {
    context.warn(`import ${number} did not come to its end; where it still runs, stop it first`);
  }
  const inserted = plural(record.inserted, "record");
  await context.confirm(`Undo import ${number} of ${record.file}, which inserted ${inserted}?`);
  const progress = await context.progress(dryRun ? "looking" : "undoing");
  const undone = await undoImport(engine, number, {
    dryRun,
    ...(reason === undefined ? {} : { reason }),
    signal: context.io.signal,
    progress,
  }).finally(() => progress.end());
  context.changed({
    kind: "usage-undo-import",
    data: undoneJson(undone),
    text: (style) => undoneText(undone, dryRun, style),
  });
}
