import { pruneLedger } from "../../../engine/prune.js";
import { prunedJson, prunedTable, pruneQuestion } from "../../../render/views/prune.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly before: string;
}

export default async function prune(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { dryRun } = context;
  const { before } = options;
  const { signal } = context.io;
  const engine = await context.engine();
  if (!dryRun && context.options.yes !== true) {
    const tried = await pruneLedger(engine, before, { dryRun: true, signal });
    if (tried.months.length > 0) await context.confirm(pruneQuestion(tried));
  }
  const progress = await context.progress("letting go of");
  const pruned = await pruneLedger(engine, before, { dryRun, signal, progress }).finally(() =>
    progress.end(),
  );
  context.changed({
    kind: "db-prune",
    data: prunedJson(pruned),
    table: prunedTable(pruned, dryRun),
  });
}
