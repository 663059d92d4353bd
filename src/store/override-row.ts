import type { Selectable } from "kysely";
import type { Override } from "../domain/entitlement.js";
import type { Meter, Period } from "../domain/meter.js";
import type { Schema } from "./schema.js";

export type OverrideRow = Selectable<Schema["override"]>;

export function overrideOf(row: OverrideRow): Override {
  const common = { id: row.id, reason: row.reason, since: row.valid_from, until: row.expires_at };
  return row.kind === "quota"
    ? {
        ...common,
        kind: "quota",
        meter: row.meter as Meter,
        period: row.period as Period,
        limit: row.limit_amount,
      }
    : { ...common, kind: "feature", feature: row.feature, granted: row.granted === 1 };
}
