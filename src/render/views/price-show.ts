import { formatUsd, moneyJson } from "../../domain/money.js";
import { effectiveRates, type OwnPrice } from "../../domain/own-prices.js";
import type { BookModel, PriceBand } from "../../domain/price-book.js";
import { formatInstant } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { list, plural } from "../text.js";
import {
  type CurrentPriceView,
  currentPriceJson,
  ownPriceJson,
  periodJson,
  priceName,
  whenText,
} from "./prices.js";
import { bandText, hoursText, RATES_NOTE, rateColumns } from "./rates.js";

interface OwnView extends OwnPrice {
  readonly state: "in-force" | "upcoming" | "superseded";
  readonly until: number | null;
}

export interface ShownPriceView {
  readonly provider: string;
  readonly model: string;
  readonly at: number;
  readonly timeZone: string;
  readonly current: CurrentPriceView;
  readonly own: readonly OwnView[];
  readonly bookModel: BookModel | null;
  readonly book: { readonly name: string; readonly version: string };
  readonly providers: readonly string[];
  readonly unpriced: number;
  readonly assumed: bigint;
  readonly suggestion: string | null;
}

export function shownPriceJson(view: ShownPriceView) {
  const { provider, model, at, current, own, bookModel, book, providers, unpriced, assumed } = view;
  return {
    provider,
    model,
    at: formatInstant(at),
    price: currentPriceJson(current),
    own: own.map(({ state, until, ...price }) => ({
      ...ownPriceJson(price),
      until: until === null ? null : formatInstant(until),
      state,
    })),
    book: {
      ...book,
      model: bookModel === null ? null : `${bookModel.provider}/${bookModel.model}`,
      periods: bookModel === null ? [] : bookModel.periods.map(periodJson),
    },
    ledger: { providers, unpriced_events: unpriced, assumed_cost: moneyJson(assumed) },
  };
}

/** One price for some time and some prompts. */
interface PriceRow {
  readonly by: "own" | "book";
  readonly price: string;
  readonly from: number | null;
  readonly until: number | null;
  readonly hours: string;
  readonly band: PriceBand;
  readonly bands: readonly PriceBand[];
  /** Whether it decides at the instant that was asked about. */
  readonly decides: boolean;
}

function rowsOf({ own, bookModel, current }: ShownPriceView): PriceRow[] {
  const ownRows = own.map((price): PriceRow => {
    const band = { above: null, rates: effectiveRates(price.rates) };
    return {
      by: "own",
      price: priceName(price),
      from: price.startsAt,
      until: price.until,
      hours: "",
      band,
      bands: [band],
      decides: current?.from === "own" && current.price.id === price.id,
    };
  });
  const bookRows = (bookModel?.periods ?? []).flatMap(({ from, hours, bands }) =>
    bands.map(
      (band): PriceRow => ({
        by: "book",
        price: `${bookModel?.provider}/${bookModel?.model}`,
        from,
        until: null,
        hours: hours === null ? "" : hoursText(hours),
        band,
        bands,
        decides: current?.from === "book" && isCurrent(current.model, from, hours),
      }),
    ),
  );
  return [...ownRows, ...bookRows];
}

function isCurrent(
  { current }: BookModel,
  from: number | null,
  hours: { readonly from: number; readonly to: number } | null,
): boolean {
  return (
    current !== null &&
    current.from === from &&
    current.hours?.from === hours?.from &&
    current.hours?.to === hours?.to
  );
}

export function shownPriceTable(
  view: ShownPriceView,
  local: string | null,
  forPeople: boolean,
): Table<PriceRow> {
  const rows = rowsOf(view);
  const when = (
    key: string,
    header: string,
    priority: number,
    of: (row: PriceRow) => number | null,
  ): Column<PriceRow>[] =>
    forPeople && rows.every((row) => of(row) === null)
      ? []
      : [
          {
            key,
            header,
            priority,
            text: (row) => {
              const at = of(row);
              return at === null ? "" : whenText(at, local);
            },
            value: (row) => {
              const at = of(row);
              return at === null ? null : formatInstant(at);
            },
          },
        ];
  const text = (key: string, header: string, priority: number, of: (row: PriceRow) => string) =>
    forPeople && rows.every((row) => of(row) === "") ? [] : [{ key, header, priority, text: of }];
  return {
    rows,
    empty: "No price is known.",
    columns: [
      {
        key: "decides",
        header: "",
        text: ({ decides }) => (decides ? "*" : ""),
        value: ({ decides }) => decides,
        paint: (mark, _row, style) => style.ok(mark),
      },
      { key: "priced_by", header: "BY", text: ({ by }) => by },
      { key: "price", header: "PRICE", truncate: true, minWidth: 14, text: ({ price }) => price },
      ...when("from", "FROM", 2, ({ from }) => from),
      ...when("until", "UNTIL", 5, ({ until }) => until),
      ...text("hours", "HOURS", 3, ({ hours }) => hours),
      ...(forPeople && rows.every(({ bands }) => bands.length < 2)
        ? []
        : [
            {
              key: "above_input_tokens",
              header: "FOR",
              priority: 2,
              text: ({ band, bands }: PriceRow) => bandText(band, bands),
              value: ({ band }: PriceRow) => band.above,
            },
          ]),
      ...rateColumns<PriceRow>(rows, ({ band }) => band.rates, forPeople),
    ],
    notes: rows.length === 0 ? [] : showNotes(rows),
  };
}

function showNotes(rows: readonly PriceRow[]): string[] {
  const own = rows.find(({ by, decides }) => by === "own" && decides)?.band.rates;
  const isPartial = own != null && (own.input === null || own.output === null || own.image === null);
  const decides = isPartial
    ? "* decides, about calls that use nothing but what it has a rate for; the book decides about others."
    : "* decides.";
  return [RATES_NOTE, ...(rows.some((row) => row.decides) ? [decides] : [])];
}

export function shownPriceText(
  view: ShownPriceView,
  local: string | null,
  { style, width }: { readonly style: Style; readonly width: number | null },
): string {
  const { provider, model, current, at, book, bookModel, providers, unpriced, assumed } = view;
  const others = providers.filter((each) => each !== provider && each !== "");
  const elsewhere = others.length === 0 ? "" : `; in the ledger under ${list(others)}`;
  const warn = (text: string) => style.warn(text);
  const fields: Field[] = [
    ["model", model],
    ["provider", provider === "" ? `not stated${elsewhere}` : provider],
    ["at", whenText(at, local)],
    current === null ? ["priced by", currentText(view), warn] : ["priced by", currentText(view)],
    ["book", `${book.name} ${book.version}${bookModel === null ? ", which does not know it" : ""}`],
  ];
  if (unpriced > 0) {
    const events = `${plural(unpriced, "event")} in the ledger, assumed to cost ${formatUsd(assumed)}`;
    fields.push(["unpriced", events, warn]);
  }
  const head = renderFields(fields, { style, width });
  const table = shownPriceTable(view, local, true);
  return table.rows.length === 0 ? head : `${head}\n${renderTable(table, { style, width })}`;
}

function currentText({ current, suggestion }: ShownPriceView): string {
  if (current === null) {
    return suggestion === null ? "nothing: its calls are unpriced" : `nothing; did you mean ${suggestion}?`;
  }
  if (current.from === "own") return `your own price for ${priceName(current.price)}`;
  return `the price book, where it is ${current.model.provider}/${current.model.model}`;
}
