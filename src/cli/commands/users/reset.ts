import { type Meter, type Period, quotaName } from "../../../domain/meter.js";
import { displayName } from "../../../engine/find.js";
import { forgiveUsage } from "../../../engine/forgiveness.js";
import { forgivenJson, forgivenText } from "../../../render/views/user-changes.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly meter?: Meter;
  readonly period?: Period;
  readonly reason?: string;
}

export default async function reset(context: Context, { args, options }: Invocation<Options>): Promise<void> {
  const { dryRun } = context;
  const { meter, period, reason } = options;
  const done = await forgiveUsage(
    await context.engine(),
    {
      user: args[0] as string,
      ...(meter === undefined ? {} : { meter }),
      ...(period === undefined ? {} : { period }),
      ...(reason === undefined ? {} : { reason }),
    },
    { dryRun },
  );
  context.changed({
    kind: "user-reset",
    data: forgivenJson(done),
    text: (style, width) => forgivenText(done, { dryRun, style, width }),
  });
  const blocked = done.quotas.filter((quota) => quota.outcome === "block" && quota.limit > 0);
  if (blocked.length === 0) return;
  const is = dryRun ? "would still be" : "is still";
  context.warn(`${displayName(done.user)} ${is} blocked by ${blocked.map(quotaName).join(", ")}`);
}
