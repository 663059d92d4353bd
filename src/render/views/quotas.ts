import { METERS, type Meter, PERIODS, type Period, type Quota, quotaName } from "../../domain/meter.js";
import { formatUsd, moneyJson, usdString } from "../../domain/money.js";
import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import type { Style } from "../style.js";
import type { Table } from "../table.js";
import { bar, count, list, percent } from "../text.js";

/** An amount of a meter for people: `1,200`, `$4.20`. */
export function amountText(meter: Meter, amount: number): string {
  return meter === "cost" ? formatUsd(amount) : count(amount);
}

/** A limit for people; `null`: none. */
export function limitText(meter: Meter, limit: number | null): string {
  return limit === null ? "unlimited" : amountText(meter, limit);
}

export function amountJson(meter: Meter, amount: number) {
  return meter === "cost" ? moneyJson(amount) : amount;
}

/** A limit as JSON shows it; `null`: unlimited. */
export function limitJson(meter: Meter, limit: number | null) {
  return limit === null ? null : amountJson(meter, limit);
}

export function quotaJson({ meter, period, limit }: Quota) {
  return { meter, period, limit: amountJson(meter, limit) };
}

/** A limit in CSV: a number, for cost in US dollars, or the word. */
export function limitValue(meter: Meter, limit: number | null): number | string {
  if (limit === null) return "unlimited";
  return meter === "cost" ? usdString(limit) : limit;
}

/** In the order in which quotas are always told: by meter, days before months. */
export function inOrder<Q extends { readonly meter: Meter; readonly period: Period }>(
  quotas: readonly Q[],
): Q[] {
  const place = ({ meter, period }: Q) => METERS.indexOf(meter) * 2 + PERIODS.indexOf(period);
  return [...quotas].sort((a, b) => place(a) - place(b));
}

/** Limits as a sentence has them: `1,000 tokens a day, no images and $10.00 a month`. */
export function limitsSentence(quotas: readonly Quota[]): string {
  if (quotas.length === 0) return "no limits at all";
  return list(inOrder(quotas).map(limitPhrase));
}

/** One limit as a sentence has it: `1,000 tokens a day`. */
export function limitPhrase({ meter, period, limit }: Quota): string {
  if (meter === "cost") return `${formatUsd(limit)} a ${period}`;
  if (limit === 0) return `no ${meter}`;
  return `${count(limit)} ${limit === 1 ? meter.slice(0, -1) : meter} a ${period}`;
}

/** A moment: on a terminal on the clocks of the accounting zone, elsewhere RFC 3339. */
export function momentText(at: Instant, zone: string, width: number | null): string {
  return width === null ? formatInstant(at) : `${localTime(at, zone)} ${zone}`;
}

/** How full a quota is, as `domain/decide.ts` tells it. */
export interface QuotaView extends Quota {
  readonly used: number;
  readonly held: number;
  readonly remaining: number;
  readonly resetsAt: Instant | null;
  readonly source: "tier" | "override" | "emergency";
  readonly outcome: "allow" | "warn" | "block";
}

const PAINT = { allow: "ok", warn: "warn", block: "bad" } as const;

/** Used and held, as a part of the limit; `null` where the limit is 0. */
function fullness({ used, held, limit }: QuotaView): number | null {
  return limit === 0 ? null : (used + held) / limit;
}

/** How full a quota is, for people. */
export function fullText(quota: QuotaView): string {
  return quota.limit === 0 ? "off" : percent(fullness(quota));
}

export function quotaStateJson(quota: QuotaView) {
  const { meter, period, limit, used, held, remaining, resetsAt, source, outcome } = quota;
  return {
    meter,
    period,
    limit: amountJson(meter, limit),
    used: amountJson(meter, used),
    held: amountJson(meter, held),
    remaining: amountJson(meter, remaining),
    ratio: fullness(quota),
    state: outcome,
    source,
    resets_at: resetsAt === null ? null : formatInstant(resetsAt),
  };
}

const BAR_CELLS = 8;

/** How full quotas are; with bars on a terminal. */
export function quotasTable(
  quotas: readonly QuotaView[],
  zone: string,
  width: number | null,
): Table<QuotaView> {
  const amount = (key: "used" | "held" | "limit", header: string, priority = 1) => ({
    key,
    header,
    align: "right" as const,
    priority,
    text: (quota: QuotaView) => amountText(quota.meter, quota[key]),
    value: (quota: QuotaView) => limitValue(quota.meter, quota[key]),
  });
  const paint = (text: string, quota: QuotaView, style: Style) => style[PAINT[quota.outcome]](text);
  const full = {
    key: "full",
    header: "FULL",
    align: "right" as const,
    text: fullText,
    paint,
    value: fullness,
  };
  const drawn = {
    key: "bar",
    header: "",
    priority: 6,
    text: (quota: QuotaView) => bar(fullness(quota), BAR_CELLS),
    paint,
  };
  return {
    rows: inOrder(quotas),
    empty: "No limits: whatever is used is only counted.",
    columns: [
      { key: "quota", header: "QUOTA", text: quotaName },
      amount("used", "USED"),
      amount("held", "HELD", 4),
      amount("limit", "LIMIT"),
      full,
      ...(width === null ? [] : [drawn]),
      {
        key: "resets_at",
        header: "RESETS",
        priority: 2,
        text: ({ resetsAt }) => {
          if (resetsAt === null) return "-";
          return width === null ? formatInstant(resetsAt) : localTime(resetsAt, zone);
        },
        value: ({ resetsAt }) => (resetsAt === null ? null : formatInstant(resetsAt)),
      },
      ...(width === null || quotas.some((quota) => quota.source !== "tier")
        ? [{ key: "source", header: "FROM", priority: 5, text: ({ source }: QuotaView) => source }]
        : []),
    ],
  };
}
