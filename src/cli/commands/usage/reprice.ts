import { type Repriced, type RepriceWanted, reprice, totalOfRepriced } from "../../../engine/reprice.js";
import { AlphaError } from "../../../errors.js";
import { plural } from "../../../render/text.js";
import { repricedJson, repricedTable, repriceQuestion } from "../../../render/views/reprice.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly since?: string;
  readonly until?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly includeReported?: boolean;
  readonly reason?: string;
}

export default async function repriceUsage(
  context: Context,
  { options }: Invocation<Options>,
): Promise<void> {
  const { since, until, model, provider, includeReported, reason } = options;
  const wanted: RepriceWanted = {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(model === undefined ? {} : { model }),
    ...(provider === undefined ? {} : { provider }),
    ...(reason === undefined ? {} : { reason }),
    includeReported: includeReported === true,
  };
  const { dryRun } = context;
  if (!dryRun && context.options.yes !== true) {
    const tried = await run(context, wanted, true);
    if (tried.models.length > 0) await context.confirm(repriceQuestion(tried, totalOfRepriced(tried.models)));
  }
  const done = await run(context, wanted, dryRun);
  const total = totalOfRepriced(done.models);
  context.changed({
    kind: "usage-repriced",
    data: repricedJson(done, total),
    meta: { count: done.models.length },
    table: repricedTable(done, total, context.format === "table"),
  });
  if (done.interrupted) throw interrupted(total.events);
}

async function run(context: Context, wanted: RepriceWanted, dryRun: boolean): Promise<Repriced> {
  const engine = await context.engine();
  const progress = await context.progress(dryRun ? "looking at" : "repricing");
  try {
    return await reprice(engine, wanted, { dryRun, progress, signal: context.io.signal });
  } finally {
    progress.end();
  }
}

function interrupted(events: number): AlphaError {
  return new AlphaError("interrupted", `it was interrupted after ${plural(events, "correction")}`, {
    hint: "run the same command again to go on: what is corrected stays so",
  });
}
