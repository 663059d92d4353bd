import { type HoldsWanted, listHolds } from "../../../engine/holds.js";
import { holdJson, holdsTable, totalsJson } from "../../../render/views/holds.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

export default async function list(context: Context, { options }: Invocation<HoldsWanted>): Promise<void> {
  const { user, expired } = options;
  const found = await listHolds(await context.engine(), {
    ...(user === undefined ? {} : { user }),
    ...(expired === undefined ? {} : { expired }),
  });
  context.show({
    kind: "holds",
    data: found.holds.map((hold) => holdJson(hold, found.now)),
    meta: { count: found.holds.length, ...totalsJson(found.holds) },
    table: holdsTable(found, { people: context.format === "table" && context.width !== null, notes: true }),
  });
}
