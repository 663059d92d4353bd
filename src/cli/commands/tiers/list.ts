import { listTiers } from "../../../engine/tiers.js";
import { listedTierJson, tiersTable } from "../../../render/views/tiers.js";
import type { Context } from "../../context.js";

export default async function list(context: Context): Promise<void> {
  const tiers = await listTiers(await context.engine());
  context.show({
    kind: "tiers",
    data: tiers.map(listedTierJson),
    meta: { count: tiers.length },
    table: tiersTable(tiers, context.format === "csv"),
  });
}
