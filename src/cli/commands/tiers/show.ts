import { showTier } from "../../../engine/tiers.js";
import { listedTierJson, tiersTable, tierText } from "../../../render/views/tiers.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

export default async function show(context: Context, { args }: Invocation<object>): Promise<void> {
  const tier = await showTier(await context.engine(), args[0] as string);
  context.show({
    kind: "tier",
    data: listedTierJson(tier),
    table: tiersTable([tier], context.format === "csv"),
    text: (style, width) => tierText(tier, style, width),
  });
}
