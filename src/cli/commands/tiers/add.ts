import { addTier } from "../../../engine/tiers.js";
import { tierDoneText, tierJson } from "../../../render/views/tiers.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { type TierOptions, tierChange } from "./change.js";

export default async function add(
  context: Context,
  { args, options }: Invocation<TierOptions>,
): Promise<void> {
  const change = tierChange(options);
  const tier = await addTier(await context.engine(), args[0] as string, change, { dryRun: context.dryRun });
  context.changed({
    kind: "tier",
    data: tierJson(tier),
    text: (style, width) => tierDoneText(context.dryRun ? "Would add" : "Added", tier, style, width),
  });
  if (tier.quotas.length === 0) {
    context.warn(
      `${tier.key} limits nothing: limit it with: alpha tiers set ${tier.key} --daily-tokens 1000`,
    );
  }
}
