import { listOverrides } from "../../../../engine/overrides.js";
import { listedOverrideJson, overridesTable } from "../../../../render/views/overrides.js";
import type { Context } from "../../../context.js";
import type { Invocation } from "../../../run.js";

export default async function list(context: Context, { args }: Invocation<object>): Promise<void> {
  const { overrides, timeZone } = await listOverrides(await context.engine(), args[0] as string | undefined);
  context.show({
    kind: "overrides",
    data: overrides.map(listedOverrideJson),
    meta: { count: overrides.length },
    table: overridesTable(overrides, context.width === null ? null : timeZone),
  });
}
