import { formatUsd, moneyJson } from "../../domain/money.js";
import { effectiveRates, type OwnPrice } from "../../domain/own-prices.js";
import type { Rates } from "../../domain/price.js";
import type { BookModel, BookPeriod, PriceBand } from "../../domain/price-book.js";
import { formatInstant, localTime } from "../../domain/window.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { count, plural } from "../text.js";
import { bandText, hoursText, RATES_NOTE, rateColumns, ratesJson } from "./rates.js";

export type CurrentPriceView =
  | { readonly from: "own"; readonly price: OwnPrice }
  | { readonly from: "book"; readonly model: BookModel }
  | null;

export interface ListedOwnView extends OwnPrice {
  readonly state: "in-force" | "upcoming" | "superseded";
  readonly decides: number;
}

interface ModelView {
  readonly provider: string;
  readonly model: string;
  readonly price: CurrentPriceView;
  readonly unpriced: number;
  readonly assumed: bigint;
}

export interface PriceListView {
  readonly at: number;
  readonly timeZone: string;
  readonly book: { readonly name: string; readonly version: string };
  readonly own: readonly ListedOwnView[];
  readonly models: readonly ModelView[];
}

/** How a price of one's own is named: `openai/gpt-4o`, or the model alone for any provider. */
export function priceName({ provider, model }: Pick<OwnPrice, "provider" | "model">): string {
  return provider === "" ? model : `${provider}/${model}`;
}

export function ownPriceJson(price: OwnPrice) {
  return {
    number: price.id,
    provider: price.provider === "" ? null : price.provider,
    model: price.model,
    from: formatInstant(price.startsAt),
    rates: ratesJson(price.rates),
  };
}

export function listedOwnJson({ state, decides, ...price }: ListedOwnView) {
  return { ...ownPriceJson(price), state, models: decides };
}

export function periodJson({ from, hours, bands }: BookPeriod) {
  return {
    from: from === null ? null : formatInstant(from),
    hours: hours === null ? null : hoursText(hours),
    bands: bands.map(({ above, rates }) => ({
      above_input_tokens: above,
      rates: rates === null ? null : ratesJson(rates),
    })),
  };
}

export function currentPriceJson(price: CurrentPriceView) {
  if (price === null) return null;
  if (price.from === "own") {
    const { provider, model, startsAt, rates } = price.price;
    const period = { from: startsAt, hours: null, bands: [{ above: null, rates: effectiveRates(rates) }] };
    return { priced_by: "own", price: priceName({ provider, model }), ...periodJson(period) };
  }
  const { provider, model, current } = price.model;
  const period = current === null ? { from: null, hours: null, bands: [] } : periodJson(current);
  return { priced_by: "book", price: `${provider}/${model}`, ...period };
}

export function priceListJson({ at, own, models, book }: PriceListView) {
  return {
    at: formatInstant(at),
    own: own.map(listedOwnJson),
    models: models.map(({ provider, model, price, unpriced, assumed }) => ({
      provider,
      model,
      price: currentPriceJson(price),
      unpriced_events: unpriced,
      assumed_cost: moneyJson(assumed),
    })),
    book,
  };
}

/** A model and one band of its price; `first`: of its bands, which the model's name stands beside. */
interface ModelRow extends ModelView {
  readonly band: PriceBand | null;
  readonly bands: readonly PriceBand[];
  readonly first: boolean;
}

function rowsOf(model: ModelView): ModelRow[] {
  const bands = bandsOf(model.price);
  if (bands.length === 0) return [{ ...model, band: null, bands, first: true }];
  return bands.map((band, index) => ({ ...model, band, bands, first: index === 0 }));
}

function bandsOf(price: CurrentPriceView): readonly PriceBand[] {
  if (price === null) return [];
  if (price.from === "own") return [{ above: null, rates: effectiveRates(price.price.rates) }];
  return price.model.current?.bands ?? [];
}

function sinceOf(price: CurrentPriceView): number | null {
  if (price === null) return null;
  return price.from === "own" ? price.price.startsAt : (price.model.current?.from ?? null);
}

/** In which zone instants are told; `null` off a terminal: RFC 3339 in UTC. */
type Zone = string | null;

export function whenText(at: number, local: Zone): string {
  return local === null ? formatInstant(at) : localTime(at, local);
}

function named(name: string): string {
  return name === "" ? "-" : name;
}

/** What the calls of each model cost now. */
export function modelsTable(
  { models, book }: PriceListView,
  local: Zone,
  forPeople: boolean,
): Table<ModelRow> {
  const rows = models.flatMap(rowsOf);
  const banded = rows.some(({ bands }) => bands.length > 1);
  const unpriced = rows.some((row) => row.unpriced > 0);
  const columns: Column<ModelRow>[] = [
    {
      key: "model",
      header: "MODEL",
      truncate: true,
      minWidth: 14,
      text: (row) => (row.first ? named(row.model) : ""),
      value: (row) => row.model,
    },
    {
      key: "provider",
      header: "PROVIDER",
      priority: 3,
      text: (row) => (row.first ? named(row.provider) : ""),
      value: (row) => row.provider || null,
    },
  ];
  if (banded || !forPeople) {
    columns.push({
      key: "above_input_tokens",
      header: "FOR",
      priority: 2,
      text: (row) => (row.band === null ? "" : bandText(row.band, row.bands)),
      value: (row) => row.band?.above ?? null,
    });
  }
  columns.push(...rateColumns(rows, (row) => row.band?.rates ?? null, forPeople), {
    key: "priced_by",
    header: "PRICED BY",
    truncate: true,
    minWidth: 10,
    text: (row) => (row.first ? sourceText(row.price) : ""),
    value: (row) => row.price?.from ?? "none",
    paint: (text, row, style) => (row.price === null ? style.warn(text) : text),
  });
  if (!forPeople) {
    columns.push({ key: "price", header: "PRICE", text: (row) => currentPriceJson(row.price)?.price ?? "" });
  }
  columns.push({
    key: "since",
    header: "SINCE",
    priority: 4,
    text: (row) => {
      const since = row.first ? sinceOf(row.price) : null;
      return since === null ? "" : whenText(since, local);
    },
    value: (row) => {
      const since = sinceOf(row.price);
      return since === null ? null : formatInstant(since);
    },
  });
  if (unpriced || !forPeople) {
    columns.push({
      key: "unpriced_events",
      header: "UNPRICED",
      align: "right",
      priority: 2,
      text: (row) => (row.first && row.unpriced > 0 ? count(row.unpriced) : ""),
      value: (row) => row.unpriced,
      paint: (text, _row, style) => style.warn(text),
    });
  }
  return {
    columns,
    rows,
    empty: "No model of the ledger is without a price, or none was used yet.",
    notes: rows.length === 0 ? [] : modelNotes(models, book),
  };
}

function sourceText(price: CurrentPriceView): string {
  if (price === null) return "none: unpriced";
  return price.from === "book" ? "book" : `own ${priceName(price.price)}`;
}

function modelNotes(models: readonly ModelView[], book: PriceListView["book"]): string[] {
  const events = models.reduce((sum, { unpriced }) => sum + unpriced, 0);
  const assumed = models.reduce((sum, model) => sum + model.assumed, 0n);
  const notes = [RATES_NOTE, `book: ${book.name} ${book.version}. Your own prices go before it.`];
  if (events > 0) {
    notes.push(
      `UNPRICED: ${plural(events, "event")} in the ledger, assumed to cost ${formatUsd(assumed)}. Set a price from before they occurred with: alpha prices set --from; then: alpha usage reprice`,
    );
  }
  return notes;
}

/** The operator's own prices. */
export function ownTable(
  own: readonly ListedOwnView[],
  local: Zone,
  forPeople: boolean,
): Table<ListedOwnView> {
  const states = { "in-force": "in force", upcoming: "upcoming", superseded: "superseded" } as const;
  return {
    rows: own,
    empty: "No prices of your own; set one with: alpha prices set",
    columns: [
      { key: "model", header: "MODEL", truncate: true, minWidth: 14, text: ({ model }) => model },
      {
        key: "provider",
        header: "PROVIDER",
        priority: 2,
        text: ({ provider }) => provider || "any",
        value: ({ provider }) => provider || null,
      },
      {
        key: "from",
        header: "FROM",
        text: ({ startsAt }) => whenText(startsAt, local),
        value: ({ startsAt }) => formatInstant(startsAt),
      },
      ...rateColumns<ListedOwnView>(own, ({ rates }): Rates => rates, forPeople),
      {
        key: "state",
        header: "STATE",
        priority: 3,
        text: ({ state }) => states[state],
        value: ({ state }) => state,
        paint: (text, { state }, style) => (state === "in-force" ? style.ok(text) : style.muted(text)),
      },
      {
        key: "models",
        header: "DECIDES",
        priority: 4,
        text: ({ decides }) => plural(decides, "model"),
        value: ({ decides }) => decides,
      },
    ],
  };
}

/** Both tables, one under the other. */
export function priceListText(
  view: PriceListView,
  local: Zone,
  { style, width }: { readonly style: Style; readonly width: number | null },
): string {
  const options = { style, width };
  const models = renderTable(modelsTable(view, local, true), options);
  if (view.own.length === 0) return models;
  const own = renderTable(ownTable(view.own, local, true), options);
  return `${style.emphasis("Your own prices")}\n${own}\n${style.emphasis("Models in the ledger")}\n${models}`;
}
