import type { Nanos } from "../domain/money.js";
import { isFor, type OwnPrice, OwnPrices, type PriceScope } from "../domain/own-prices.js";
import type { PricedKind, Rates } from "../domain/price.js";
import type { BookModel, PriceBook } from "../domain/price-book.js";
import { canonicalProvider } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import type { Engine } from "./engine.js";
import { nearest } from "./find.js";
import { momentOf } from "./moment.js";
import type { Reading } from "./ports.js";
import { sealOf } from "./sealing.js";

/** What decides about the cost of a model's calls at an instant; `null`: nothing, they are unpriced. */
export type CurrentPrice =
  | { readonly from: "own"; readonly price: OwnPrice }
  | { readonly from: "book"; readonly model: BookModel }
  | null;

/** `superseded`: a later one for the same models has begun. */
export type OwnPriceState = "in-force" | "upcoming" | "superseded";

export interface ListedOwnPrice extends OwnPrice {
  readonly state: OwnPriceState;
  /** How many models of the ledger it decides about now. */
  readonly decides: number;
}

/** A model that the ledger has seen, and what its calls cost now. */
export interface PricedModel extends PricedKind {
  readonly price: CurrentPrice;
  /** Events in the ledger that no price covers, and what they are assumed to cost; those of sealed months keep that. */
  readonly unpriced: number;
  readonly assumed: bigint;
}

/** Where prices come from beside the operator. */
export type BookName = Pick<PriceBook, "name" | "version">;

export interface PriceList {
  readonly at: Instant;
  readonly timeZone: string;
  readonly book: BookName;
  readonly own: readonly ListedOwnPrice[];
  readonly models: readonly PricedModel[];
}

/**
 * The operator's own prices, and what the calls of each model in the ledger cost now.
 * @param wanted.unpriced only models whose calls have no price, or of which some in the ledger have none
 */
export async function listPrices(
  engine: Engine,
  wanted: { readonly unpriced?: boolean } = {},
): Promise<PriceList> {
  const book = await engine.prices();
  return engine.store.read(async (tx) => {
    const at = engine.now();
    const own = await tx.prices.own();
    const lookup = new OwnPrices(own);
    const models = (await meteredModels(tx)).map((model) => ({
      ...model,
      price: currentPrice(model, at, lookup, book),
    }));
    return {
      at,
      timeZone: (await tx.settings.current()).time_zone,
      book: nameOf(book),
      own: own.map((price) => ({
        ...price,
        state: stateOf(price, own, at),
        decides: models.filter((model) => model.price?.from === "own" && model.price.price.id === price.id)
          .length,
      })),
      models:
        wanted.unpriced === true
          ? models.filter(({ price, unpriced }) => price === null || unpriced > 0)
          : models,
    };
  });
}

async function meteredModels(tx: Reading): Promise<Omit<PricedModel, "price">[]> {
  const openDays = { from: (await sealOf(tx))?.day ?? Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
  const unpriced = new Map<string, { events: number; assumed: bigint }>();
  for (const cell of await tx.usage.cells({ ...openDays, unpriced: true }, "kind")) {
    const key = `${cell.provider}\n${cell.model}`;
    const sum = unpriced.get(key) ?? { events: 0, assumed: 0n };
    unpriced.set(key, { events: sum.events + cell.unpriced, assumed: sum.assumed + cell.assumed });
  }
  return (await tx.prices.models()).map(({ provider, model }) => {
    const { events, assumed } = unpriced.get(`${provider}\n${model}`) ?? { events: 0, assumed: 0n };
    return { provider, model, unpriced: events, assumed };
  });
}

export function currentPrice(kind: PricedKind, at: Instant, own: OwnPrices, book: PriceBook): CurrentPrice {
  const price = own.priceAt(kind, at);
  if (price !== null) return { from: "own", price };
  const model = book.describe(kind, at);
  return model === null ? null : { from: "book", model };
}

export function stateOf(price: OwnPrice, all: readonly OwnPrice[], at: Instant): OwnPriceState {
  if (price.startsAt > at) return "upcoming";
  const later = all.some(
    (other) => sameModels(other, price) && other.startsAt > price.startsAt && other.startsAt <= at,
  );
  return later ? "superseded" : "in-force";
}

/** When a later price for the same models takes over; `null`: never. */
export function endOf(price: OwnPrice, all: readonly OwnPrice[]): Instant | null {
  const next = all.filter((other) => sameModels(other, price) && other.startsAt > price.startsAt);
  return next.length === 0 ? null : Math.min(...next.map(({ startsAt }) => startsAt));
}

function sameModels(a: PriceScope, b: PriceScope): boolean {
  return a.provider === b.provider && a.model === b.model;
}

function nameOf({ name, version }: PriceBook): BookName {
  return { name, version };
}

export interface PriceWanted {
  readonly model: string;
  /** Unless given, that under which the ledger knows the model, if there is one alone. */
  readonly provider?: string;
  /** A day of the accounting zone or an instant; now, unless given. */
  readonly at?: string;
}

/** Everything that is known about the price of one model. */
export interface ShownPrice extends PricedKind {
  readonly at: Instant;
  readonly timeZone: string;
  readonly current: CurrentPrice;
  /** All that are for the model at some time, the one that goes before the others first. */
  readonly own: readonly (OwnPrice & { readonly state: OwnPriceState; readonly until: Instant | null })[];
  readonly bookModel: BookModel | null;
  readonly book: BookName;
  /** The providers under which the ledger knows the model. */
  readonly providers: readonly string[];
  readonly unpriced: number;
  readonly assumed: bigint;
  /** The model of the ledger that was perhaps meant, where neither a price nor a call is known. */
  readonly suggestion: string | null;
}

export async function showPrice(engine: Engine, wanted: PriceWanted): Promise<ShownPrice> {
  const book = await engine.prices();
  return engine.store.read(async (tx) => {
    const { time_zone: timeZone } = await tx.settings.current();
    const at = wanted.at === undefined ? engine.now() : momentOf("--at", wanted.at, timeZone);
    const metered = await meteredModels(tx);
    const name = wanted.model.trim();
    const called = metered.filter(({ model }) => model.toLowerCase() === name.toLowerCase());
    // One may have served the model under several spellings of its name.
    const providers = [...new Set(called.map(({ provider }) => provider))];
    const only = providers.length === 1 ? providers[0] : undefined;
    const kind = { provider: canonicalProvider(wanted.provider ?? only ?? ""), model: name };
    const own = await tx.prices.own();
    const lookup = new OwnPrices(own);
    const current = currentPrice(kind, at, lookup, book);
    const usage = called.filter(({ provider }) => provider === kind.provider);
    const names = metered.map(({ model }) => model).filter((model) => model !== "");
    return {
      ...kind,
      at,
      timeZone,
      current,
      own: lookup.matching(kind).map((price) => ({
        ...price,
        state: stateOf(price, own, at),
        until: endOf(price, own),
      })),
      bookModel: book.describe(kind, at),
      book: nameOf(book),
      providers,
      unpriced: usage.reduce((sum, each) => sum + each.unpriced, 0),
      assumed: usage.reduce((sum, each) => sum + each.assumed, 0n),
      suggestion: current === null && called.length === 0 ? (nearest(name, names) ?? null) : null,
    };
  });
}

/** The models of the ledger that a price is for, whether or not another goes before it. */
export async function modelsFor(
  tx: Reading,
  scope: Pick<PriceScope, "provider" | "model">,
): Promise<PricedKind[]> {
  return (await tx.prices.models()).filter((kind) => isFor(scope, kind));
}

/** What the book charges at most for one of several models, with the model; the first that it knows. */
export function bookRates(
  kinds: readonly PricedKind[],
  at: Instant,
  book: PriceBook,
): { readonly kind: PricedKind; readonly rates: Rates } | null {
  for (const kind of kinds) {
    const rates = book.dearest(kind, at);
    if (rates !== null) return { kind, rates };
  }
  return null;
}

/** What rates say of a unit, for an audit entry: only those that were stated. */
export function statedRates(rates: Rates): Readonly<Record<string, Nanos>> {
  return Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== null)) as Record<
    string,
    Nanos
  >;
}
