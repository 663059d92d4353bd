import { removeTier } from "../../../engine/tiers.js";
import { tierDoneText, tierJson } from "../../../render/views/tiers.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly reason?: string;
}

export default async function remove(
  context: Context,
  { args, options: { reason } }: Invocation<Options>,
): Promise<void> {
  const key = args[0] as string;
  const engine = await context.engine();
  const given = reason === undefined ? {} : { reason };
  // Tried before it is asked about: nobody should confirm what cannot be done.
  await removeTier(engine, key, given, { dryRun: true });
  await context.confirm(`Remove the tier ${key}?`);
  const tier = await removeTier(engine, key, given, { dryRun: context.dryRun });
  context.changed({
    kind: "tier",
    data: tierJson(tier),
    text: (style, width) => tierDoneText(context.dryRun ? "Would remove" : "Removed", tier, style, width),
  });
}
