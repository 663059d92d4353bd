import type { Decision, QuotaState } from "../../domain/decide.js";
import { amountInWords } from "../../domain/message.js";
import { type Meter, quotaName } from "../../domain/meter.js";
import { formatUsd, moneyJson, usdString } from "../../domain/money.js";
import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import { renderFields } from "../fields.js";
import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import { count } from "../text.js";

const OUTCOME_PAINT = { allow: "ok", warn: "warn", block: "bad" } as const;

function amountJson(meter: Meter | null, amount: number | null) {
  return amount === null || meter !== "cost" ? amount : moneyJson(amount);
}

function instantJson(at: Instant | null): string | null {
  return at === null ? null : formatInstant(at);
}

function quotaJson(state: QuotaState) {
  const amount = (value: number) => amountJson(state.meter, value);
  return {
    meter: state.meter,
    period: state.period,
    limit: amount(state.limit),
    used: amount(state.used),
    held: amount(state.held),
    requested: amount(state.requested),
    remaining: amount(state.remaining),
    resets_at: instantJson(state.resetsAt),
    source: state.source,
    touched: state.touched,
    outcome: state.outcome,
    code: state.code,
  };
}

/** The whole decision; amounts of the meter `cost` are money. */
export function decisionJson(decision: Decision) {
  const amount = (value: number | null) => amountJson(decision.meter, value);
  return {
    outcome: decision.outcome,
    code: decision.code,
    message: decision.message,
    meter: decision.meter,
    period: decision.period,
    limit: amount(decision.limit),
    used: amount(decision.used),
    held: amount(decision.held),
    requested: amount(decision.requested),
    granted: amount(decision.granted),
    remaining: amount(decision.remaining),
    resets_at: instantJson(decision.resetsAt),
    quotas: decision.quotas.map(quotaJson),
  };
}

function bindingInWords(decision: Decision, moment: (at: Instant) => string): string {
  const { meter, period, limit, used, held, requested, remaining, resetsAt } = decision;
  if (meter === null || period === null || limit === null) return "none";
  const amount = (value: number) => (meter === "cost" ? formatUsd(value) : count(value));
  const parts = [
    `${quotaName({ meter, period })}: ${amount(used)} used, ${amount(held)} held and ${amount(requested)} asked for of ${amountInWords(meter, limit)}`,
    `${amount(remaining ?? 0)} left`,
    resetsAt === null ? "never resets" : `resets at ${moment(resetsAt)}`,
  ];
  return parts.join("; ");
}

/** @param zone in which instants are told; `null` tells them in RFC 3339 UTC */
export function quotasTable(quotas: readonly QuotaState[], zone: string | null): Table<QuotaState> {
  const amount = (of: (state: QuotaState) => number) => ({
    align: "right" as const,
    text: (state: QuotaState) => (state.meter === "cost" ? formatUsd(of(state)) : count(of(state))),
    value: (state: QuotaState) => (state.meter === "cost" ? usdString(of(state)) : of(state)),
  });
  return {
    rows: quotas,
    empty: "No quota applies: everything is unlimited, or nobody is asking.",
    columns: [
      { key: "quota", header: "QUOTA", text: quotaName },
      { key: "used", header: "USED", ...amount((state) => state.used) },
      { key: "held", header: "HELD", priority: 3, ...amount((state) => state.held) },
      { key: "requested", header: "ASKED", priority: 2, ...amount((state) => state.requested) },
      { key: "limit", header: "LIMIT", ...amount((state) => state.limit) },
      { key: "remaining", header: "LEFT", ...amount((state) => state.remaining) },
      {
        key: "resets_at",
        header: "RESETS AT",
        priority: 4,
        text: (state) =>
          state.resetsAt === null
            ? "never"
            : zone === null
              ? formatInstant(state.resetsAt)
              : localTime(state.resetsAt, zone),
        value: (state) => instantJson(state.resetsAt),
      },
      { key: "source", header: "FROM", priority: 5, text: (state) => state.source },
      {
        key: "outcome",
        header: "SAYS",
        text: (state) => (state.touched ? state.outcome : "not touched"),
        paint: (text, state, style) =>
          state.touched ? style[OUTCOME_PAINT[state.outcome]](text) : style.muted(text),
        value: (state) => (state.touched ? state.outcome : "untouched"),
      },
    ],
    notes: zone === null || quotas.length === 0 ? [] : [`Times are in ${zone}.`],
  };
}

export function decisionText(
  decision: Decision,
  zone: string | null,
  { style, width }: { readonly style: Style; readonly width: number | null },
): string {
  const moment = (at: Instant) => (zone === null ? formatInstant(at) : `${localTime(at, zone)} (${zone})`);
  const fields = renderFields(
    [
      ["decision", decision.outcome, (text) => style[OUTCOME_PAINT[decision.outcome]](text)],
      ["code", decision.code],
      ["message", decision.message],
      ["binding", bindingInWords(decision, moment)],
    ],
    { style, width },
  );
  if (decision.quotas.length === 0) return fields;
  return `${fields}\n${renderTable(quotasTable(decision.quotas, zone), { style, width })}`;
}
