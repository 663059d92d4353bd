import type { Override } from "../../domain/entitlement.js";
import { type Meter, type Period, quotaName } from "../../domain/meter.js";
import type { Tier } from "../../domain/tier.js";
import type { User } from "../../domain/user.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import {
  amountText,
  fullText,
  inOrder,
  limitJson,
  limitText,
  type QuotaView,
  quotaStateJson,
} from "./quotas.js";
import { overrideJson, overrideText } from "./user.js";
import { userJson } from "./users.js";

export interface MovedView {
  readonly user: User;
  readonly from: Tier;
  readonly to: Tier;
  readonly change: { readonly gained: readonly string[]; readonly lost: readonly string[] };
  readonly keptOverrides: readonly Override[];
  readonly clearedOverrides: readonly Override[];
  readonly before: readonly QuotaView[];
  readonly after: readonly QuotaView[];
  readonly timeZone: string;
}

/** One quota before and after; `null`: unlimited. */
interface Row {
  readonly meter: Meter;
  readonly period: Period;
  readonly before: QuotaView | null;
  readonly after: QuotaView | null;
}

function rowsOf({ before, after }: MovedView): Row[] {
  // An emergency limit lies over every tier and would only hide what the move changes.
  const own = (quotas: readonly QuotaView[]) => quotas.filter((each) => each.source !== "emergency");
  const rows = new Map<string, Row>();
  for (const quota of own(before)) rows.set(quotaName(quota), { ...quota, before: quota, after: null });
  for (const quota of own(after)) {
    const known = rows.get(quotaName(quota));
    rows.set(quotaName(quota), { ...quota, before: known?.before ?? null, after: quota });
  }
  return inOrder([...rows.values()]).map(({ meter, period, before: old, after: fresh }) => ({
    meter,
    period,
    before: old,
    after: fresh,
  }));
}

export function movedJson(view: MovedView) {
  const { user, from, to, change, keptOverrides, clearedOverrides, after } = view;
  return {
    user: userJson(user),
    from: from.key,
    to: to.key,
    limits: rowsOf(view).map(({ meter, period, before: old, after: fresh }) => ({
      meter,
      period,
      before: limitJson(meter, old?.limit ?? null),
      after: limitJson(meter, fresh?.limit ?? null),
    })),
    features_gained: change.gained,
    features_lost: change.lost,
    overrides_kept: keptOverrides.map(overrideJson),
    overrides_cleared: clearedOverrides.map(overrideJson),
    quotas: after.map(quotaStateJson),
  };
}

function movedTable(view: MovedView): Table<Row> {
  const limit = (row: Row, quota: QuotaView | null) =>
    `${limitText(row.meter, quota?.limit ?? null)}${quota?.source === "override" ? " (override)" : ""}`;
  const taken = ({ meter, before, after }: Row) => {
    const quota = after ?? before;
    return amountText(meter, (quota?.used ?? 0) + (quota?.held ?? 0));
  };
  return {
    rows: rowsOf(view),
    empty: "Neither tier limits anything.",
    columns: [
      { key: "quota", header: "LIMIT", text: quotaName },
      { key: "before", header: "BEFORE", align: "right", text: (row) => limit(row, row.before) },
      {
        key: "after",
        header: "AFTER",
        align: "right",
        text: (row) => limit(row, row.after),
        paint: (text, _row, style) => style.emphasis(text),
      },
      { key: "used", header: "USED NOW", align: "right", text: taken },
      {
        key: "full",
        header: "FULL",
        align: "right",
        text: ({ after }) => (after === null ? "-" : fullText(after)),
        paint: (text, { after }, style) => (after?.outcome === "block" ? style.bad(text) : text),
      },
    ],
  };
}

export function movedText(
  view: MovedView,
  direction: "promote" | "demote",
  dryRun: boolean,
  style: Style,
  width: number | null,
): string {
  const { user, from, to, change, keptOverrides, clearedOverrides, timeZone } = view;
  const done = style.ok(`${dryRun ? "Would " : ""}${verb(direction, dryRun)}`);
  const who = style.emphasis(sanitize(user.email ?? user.key));
  const told = (overrides: readonly Override[]) =>
    overrides.map((each) => overrideText(each, timeZone, width)).join("; ");
  const fields: Field[] = [
    ["features gained", change.gained.length === 0 ? "none" : change.gained.join(", ")],
    [
      "features lost",
      change.lost.length === 0 ? "none" : change.lost.join(", "),
      (text) => (change.lost.length === 0 ? text : style.warn(text)),
    ],
  ];
  if (keptOverrides.length > 0) fields.push(["overrides kept", told(keptOverrides)]);
  if (clearedOverrides.length > 0) fields.push(["overrides ended", told(clearedOverrides)]);
  fields.push(["usage", "kept: it counts against the new limits, which apply from the next call on"]);
  return [
    `${done} ${who} from ${from.key} to ${to.key} (${sanitize(to.label)}).\n\n`,
    renderTable(movedTable(view), { style, width }),
    "\n",
    renderFields(fields, { style, width }),
  ].join("");
}

function verb(direction: "promote" | "demote", dryRun: boolean): string {
  if (dryRun) return direction;
  return direction === "promote" ? "Promoted" : "Demoted";
}
