import { type PruneOptions, pruneLedger } from "../../../engine/prune.js";
import { prunedJson, prunedTable, pruneQuestion } from "../../../render/views/prune.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly before: string;
}

export default async function prune(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { dryRun } = context;
  const { before } = options;
  if (!dryRun && context.options.yes !== true) {
    const tried = await run(context, before, { dryRun: true });
    if (tried.months.length > 0) await context.confirm(pruneQuestion(tried));
  }
  const pruned = await run(context, before, { dryRun });
  context.changed({
    kind: "db-prune",
    data: prunedJson(pruned),
    table: prunedTable(pruned, dryRun),
  });
}

async function run(context: Context, before: string, options: PruneOptions) {
  const engine = await context.engine();
  const progress = await context.progress(options.dryRun === true ? "looking at" : "letting go of");
  const { signal } = context.io;
  return pruneLedger(engine, before, { ...options, signal, progress }).finally(() => progress.end());
}
