import { METERS, type Meter, PERIODS, type Period, type Quota, quotaName } from "../../domain/meter.js";
import { quotaFor, type Tier } from "../../domain/tier.js";
import { formatInstant, type Instant } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { count, plural } from "../text.js";
import { inOrder, limitJson, limitPhrase, limitText, limitValue, quotaJson } from "./quotas.js";
import { featuresText } from "./user.js";

export interface TierView extends Tier {
  readonly users: number;
  readonly isDefault: boolean;
}

export function tierJson(tier: Tier) {
  const { key, label, rank, quotas, features } = tier;
  return {
    key,
    label,
    rank,
    quotas: inOrder(quotas).map(quotaJson),
    call_tokens: ceilingValue(tier),
    features,
  };
}

/** `null`: what the setting says. */
function ceilingValue({ callTokens }: Tier): number | "unlimited" | null {
  return callTokens === null ? "unlimited" : (callTokens ?? null);
}

function ceilingText({ callTokens }: Tier): string {
  return callTokens === undefined ? "as the setting says" : limitText("tokens", callTokens);
}

export function listedTierJson(tier: TierView) {
  return { ...tierJson(tier), users: tier.users, default: tier.isDefault };
}

/**
 * The tiers by rank. For people a column for each quota that any tier has; `every` quota for CSV, whose columns must
 * not come and go.
 */
export function tiersTable(tiers: readonly TierView[], every: boolean): Table<TierView> {
  const all = METERS.flatMap((meter) => PERIODS.map((period) => ({ meter, period })));
  const shown = all.filter(
    ({ meter, period }) => every || tiers.some((tier) => quotaFor(tier.quotas, meter, period) !== undefined),
  );
  return {
    rows: tiers,
    empty: "No tiers yet. Create the first with: alpha tiers add",
    columns: [
      {
        key: "rank",
        header: "RANK",
        align: "right",
        priority: 4,
        text: (tier) => String(tier.rank),
        value: (tier) => tier.rank,
      },
      {
        key: "tier",
        header: "TIER",
        text: (tier) => `${tier.key}${tier.isDefault ? " *" : ""}`,
        value: (tier) => tier.key,
      },
      { key: "label", header: "LABEL", priority: 5, truncate: true, text: (tier) => tier.label },
      ...shown.map(({ meter, period }) => limitColumn(meter, period)),
      ...(every || tiers.some((tier) => tier.callTokens !== undefined) ? [ceilingColumn()] : []),
      {
        key: "users",
        header: "USERS",
        align: "right",
        text: (tier) => count(tier.users),
        value: (tier) => tier.users,
      },
      ...(every ? [defaultColumn()] : []),
      {
        key: "features",
        header: "FEATURES",
        priority: 6,
        truncate: true,
        text: (tier) => (tier.features.length === 0 ? "-" : tier.features.join(", ")),
        value: (tier) => tier.features.join(" "),
      },
    ],
    notes: tiers.some((tier) => tier.isDefault) ? ["* new testers start here"] : [],
  };
}

function defaultColumn(): Column<TierView> {
  return {
    key: "default",
    header: "DEFAULT",
    text: (tier) => (tier.isDefault ? "yes" : "no"),
    value: (tier) => tier.isDefault,
  };
}

function ceilingColumn(): Column<TierView> {
  return {
    key: "call_tokens",
    header: "TOKENS/CALL",
    align: "right",
    priority: 3,
    text: (tier) => (tier.callTokens === undefined ? "-" : limitText("tokens", tier.callTokens)),
    value: (tier) => ceilingValue(tier),
  };
}

function limitColumn(meter: Meter, period: Period): Column<TierView> {
  const limitOf = (tier: Tier) => quotaFor(tier.quotas, meter, period)?.limit ?? null;
  return {
    key: `${meter}_per_${period}`,
    header: quotaName({ meter, period }).toUpperCase(),
    align: "right",
    priority: meter === "requests" ? 3 : 2,
    text: (tier) => limitText(meter, limitOf(tier)),
    value: (tier) => limitValue(meter, limitOf(tier)),
  };
}

/** What a tier gives, line by line: every meter is named, since no limit is something to see. */
function tierFields(tier: Tier): Field[] {
  const limits = METERS.map((meter): Field => {
    const quotas = inOrder(tier.quotas.filter((quota) => quota.meter === meter));
    return [meter, quotas.length === 0 ? "unlimited" : quotas.map(shortPhrase).join(", ")];
  });
  const ceiling: Field[] = tier.callTokens === undefined ? [] : [["tokens per call", ceilingText(tier)]];
  return [["rank", String(tier.rank)], ...limits, ...ceiling, ["features", featuresText(tier.features)]];
}

/** A limit beside the name of its meter. */
function shortPhrase({ meter, period, limit }: Quota): string {
  return limit === 0 ? `none a ${period} (disabled)` : `${limitText(meter, limit)} a ${period}`;
}

function title(tier: Tier, style: Style): string {
  return `${style.heading(tier.key)} (${sanitize(tier.label)})`;
}

export function tierText(tier: TierView, style: Style, width: number | null): string {
  const users = `${count(tier.users)}${tier.isDefault ? "; new testers start here" : ""}`;
  const fields: Field[] = [...tierFields(tier), ["users", users]];
  return `${title(tier, style)}\n${renderFields(fields, { style, width })}`;
}

export function tierDoneText(
  done: "Added" | "Would add" | "Removed" | "Would remove",
  tier: Tier,
  style: Style,
  width: number | null,
): string {
  return `${style.ok(done)} ${title(tier, style)}\n${renderFields(tierFields(tier), { style, width })}`;
}

export interface TierSetView {
  readonly before: Tier;
  readonly after: Tier;
  readonly change: {
    readonly quotas: readonly {
      readonly meter: Meter;
      readonly period: Period;
      readonly from: number | null;
      readonly to: number | null;
    }[];
  };
  readonly users: number;
  readonly from: Instant;
  readonly usedUp: readonly UsedUpView[];
}

export interface UsedUpView {
  readonly meter: Meter;
  readonly period: Period;
  readonly limit: number;
  readonly users: number;
}

function featureChanges({ before, after }: TierSetView) {
  return {
    added: after.features.filter((feature) => !before.features.includes(feature)),
    removed: before.features.filter((feature) => !after.features.includes(feature)),
  };
}

export function tierSetJson(view: TierSetView) {
  const { before, after, change, users, from, usedUp } = view;
  const { added, removed } = featureChanges(view);
  return {
    before: tierJson(before),
    after: tierJson(after),
    limits: inOrder(change.quotas).map(({ meter, period, from: old, to }) => ({
      meter,
      period,
      before: limitJson(meter, old),
      after: limitJson(meter, to),
    })),
    features_added: added,
    features_removed: removed,
    users_affected: users,
    effective_from: formatInstant(from),
    used_up: usedUp.map(({ meter, period, limit, users: blocked }) => ({
      ...quotaJson({ meter, period, limit }),
      users: blocked,
    })),
  };
}

export function tierSetText(view: TierSetView, dryRun: boolean, style: Style, width: number | null): string {
  const { before, after, change, users } = view;
  const { added, removed } = featureChanges(view);
  interface Row {
    readonly what: string;
    readonly before: string;
    readonly after: string;
  }
  const rows: Row[] = inOrder(change.quotas).map(({ meter, period, from, to }) => ({
    what: quotaName({ meter, period }),
    before: limitText(meter, from),
    after: limitText(meter, to),
  }));
  if (before.callTokens !== after.callTokens) {
    rows.push({ what: "tokens per call", before: ceilingText(before), after: ceilingText(after) });
  }
  if (before.label !== after.label) rows.push({ what: "label", before: before.label, after: after.label });
  if (before.rank !== after.rank)
    rows.push({ what: "rank", before: String(before.rank), after: String(after.rank) });
  const fields: Field[] = [];
  if (added.length > 0) fields.push(["features added", added.join(", ")]);
  if (removed.length > 0) fields.push(["features removed", removed.join(", "), (text) => style.warn(text)]);
  const table: Table<Row> = {
    rows,
    empty: "",
    columns: [
      { key: "what", header: "CHANGED", text: (row) => row.what },
      { key: "before", header: "BEFORE", truncate: true, minWidth: 16, text: (row) => row.before },
      {
        key: "after",
        header: "AFTER",
        truncate: true,
        minWidth: 16,
        text: (row) => row.after,
        paint: (text, _row, paint) => paint.emphasis(text),
      },
    ],
  };
  const whom = users === 0 ? "; nobody is on it." : `, for ${plural(users, "user")} from the next call on.`;
  return [
    `${style.ok(dryRun ? "Would change" : "Changed")} ${title(after, style)}${whom}\n\n`,
    rows.length === 0 ? "" : renderTable(table, { style, width }),
    rows.length > 0 && fields.length > 0 ? "\n" : "",
    renderFields(fields, { style, width }),
  ].join("");
}

/** Whom a lowered limit blocks at once, in a sentence. */
export function usedUpSentence({ meter, period, limit, users }: UsedUpView): string {
  const who = `${plural(users, "user")} ${users === 1 ? "has" : "have"}`;
  const running = period === "day" ? "today" : "this month";
  return limit === 0
    ? `${who} used ${meter} ${running}, which are disabled from now on`
    : `${who} already used up ${limitPhrase({ meter, period, limit })}: blocked until the next ${period}`;
}
