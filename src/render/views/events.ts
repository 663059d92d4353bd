import { formatUsd, moneyJson, usdString } from "../../domain/money.js";
import { usedNothing } from "../../domain/usage.js";
import { formatInstant, localTime } from "../../domain/window.js";
import type { Column, Table } from "../table.js";
import { count } from "../text.js";

export interface EventView {
  readonly number: number;
  readonly user: string;
  readonly email: string | null;
  readonly source: string | null;
  readonly id: string | null;
  readonly providerId: string | null;
  readonly occurredAt: number;
  readonly recordedAt: number;
  readonly provider: string;
  readonly model: string;
  readonly feature: string;
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  readonly images: number;
  readonly requests: number;
  readonly cost: number;
  readonly assumed: number;
  readonly pricedBy: "log" | "own" | "book" | "none";
  readonly status: string;
  readonly estimated: boolean;
  readonly importId: number | null;
  readonly corrects: number | null;
}

/** An event as JSON shows it. Token counts are disjoint; an unpriced event has no cost but an assumed one. */
export function eventJson(event: EventView) {
  const unpriced = isUnpriced(event);
  return {
    number: event.number,
    occurred_at: formatInstant(event.occurredAt),
    recorded_at: formatInstant(event.recordedAt),
    user: event.user,
    email: event.email,
    provider: event.provider,
    model: event.model,
    feature: event.feature,
    input_tokens: event.input,
    cached_input_tokens: event.cacheRead,
    cache_write_tokens: event.cacheWrite,
    output_tokens: event.output,
    reasoning_tokens: event.reasoning,
    images: event.images,
    requests: event.requests,
    // A correction may turn the one into the other.
    cost: unpriced && event.corrects === null ? null : moneyJson(event.cost),
    assumed_cost: unpriced || event.corrects !== null ? moneyJson(event.assumed) : null,
    priced_by: event.pricedBy,
    unpriced,
    status: event.status,
    estimated: event.estimated,
    source: event.source,
    id: event.id,
    provider_id: event.providerId,
    import: event.importId,
    corrects: event.corrects,
  };
}

type EventColumn = Column<EventView>;

function amount(
  key: string,
  header: string,
  priority: number,
  of: (event: EventView) => number,
): EventColumn {
  return { key, header, priority, align: "right", text: (event) => count(of(event)), value: of };
}

function name(key: string, header: string, priority: number, of: (event: EventView) => string): EventColumn {
  return {
    key,
    header,
    priority,
    truncate: true,
    text: (event) => of(event) || "-",
    value: (event) => of(event) || null,
  };
}

/**
 * One page of the ledger.
 * @param local the zone in which times are shown to people; `null` off a terminal: RFC 3339 in UTC
 */
export function eventsTable(events: readonly EventView[], local: string | null): Table<EventView> {
  const hasAssumed = events.some(({ assumed }) => assumed !== 0);
  const hasCorrections = events.some(({ corrects }) => corrects !== null);
  const hasEstimated = events.some(({ estimated }) => estimated);
  /** What says nothing in any row is the first to go on a narrow terminal. */
  const unless = (isPlain: (event: EventView) => boolean, priority: number) =>
    events.every(isPlain) ? 12 : priority;
  return {
    rows: events,
    empty: "No usage events.",
    columns: [
      {
        key: "number",
        header: "NUMBER",
        priority: 3,
        align: "right",
        text: ({ number }) => String(number),
        value: ({ number }) => number,
      },
      {
        key: "occurred_at",
        header: "TIME",
        text: ({ occurredAt }) => (local === null ? formatInstant(occurredAt) : localTime(occurredAt, local)),
        value: ({ occurredAt }) => formatInstant(occurredAt),
      },
      { ...name("user", "USER", 1, ({ email, user }) => email ?? user), minWidth: 12 },
      name("provider", "PROVIDER", 5, ({ provider }) => provider),
      { ...name("model", "MODEL", 1, ({ model }) => model), minWidth: 11 },
      name(
        "feature",
        "FEATURE",
        unless(({ feature }) => feature === "", 4),
        ({ feature }) => feature,
      ),
      amount("input_tokens", "INPUT", 1, ({ input }) => input),
      amount("cached_input_tokens", "CACHED", 7, ({ cacheRead }) => cacheRead),
      amount("cache_write_tokens", "WRITTEN", 9, ({ cacheWrite }) => cacheWrite),
      amount("output_tokens", "OUTPUT", 1, ({ output }) => output),
      amount("reasoning_tokens", "REASONING", 9, ({ reasoning }) => reasoning),
      amount(
        "images",
        "IMAGES",
        unless(({ images }) => images === 0, 2),
        ({ images }) => images,
      ),
      {
        key: "cost_usd",
        header: "COST",
        align: "right",
        text: costText,
        paint: (text, event, style) => (isUnpriced(event) ? style.warn(text) : text),
        value: (event) => (isUnpriced(event) && event.corrects === null ? null : usdString(event.cost)),
      },
      {
        key: "assumed_usd",
        header: "ASSUMED",
        priority: 10,
        align: "right",
        text: ({ assumed }) => (assumed === 0 ? "-" : formatUsd(assumed)),
        value: (event) => (isUnpriced(event) || event.corrects !== null ? usdString(event.assumed) : null),
      },
      { key: "priced_by", header: "PRICED BY", priority: 10, text: ({ pricedBy }) => pricedBy },
      {
        ...name(
          "status",
          "STATUS",
          unless(({ status }) => status === "ok", 1),
          ({ status }) => status,
        ),
        paint: (text, { status }, style) => (status === "ok" ? text : style.bad(text)),
      },
      name("source", "SOURCE", 11, ({ source }) => source ?? ""),
      name("id", "ID", 8, ({ id }) => id ?? ""),
      {
        key: "corrects",
        header: "CORRECTS",
        priority: unless(({ corrects }) => corrects === null, 2),
        align: "right",
        text: ({ corrects }) => (corrects === null ? "-" : String(corrects)),
        value: ({ corrects }) => corrects,
      },
    ],
    notes: [
      ...(local === null || events.length === 0 ? [] : [`Times are in ${local}.`]),
      ...(hasAssumed ? ["~ No price is known: assumed at the planning rates."] : []),
      ...(hasCorrections ? ["A row that corrects another one says by how much what counts changed."] : []),
      ...(hasEstimated ? ["? The call never said what it used: what was held for it was counted."] : []),
    ],
  };
}

/** A call that used nothing costs nothing, whatever its model. */
function isUnpriced(event: EventView): boolean {
  return event.pricedBy === "none" && (event.corrects !== null || !usedNothing(event));
}

function costText(event: EventView): string {
  const { cost, assumed, estimated } = event;
  const mark = estimated ? "?" : "";
  if (!isUnpriced(event)) return `${formatUsd(cost)}${mark}`;
  if (cost === 0) return assumed === 0 ? "unpriced" : `~${formatUsd(assumed)}${mark}`;
  // A correction: what was known is so no more.
  if (assumed === 0) return `${formatUsd(cost)}${mark}`;
  return `${formatUsd(cost)} ${assumed < 0 ? "-" : "+"} ~${formatUsd(Math.abs(assumed))}${mark}`;
}
