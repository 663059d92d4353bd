import type { DayRange } from "../domain/day-range.js";
import {
  doubtsAbout,
  RATE_UNITS,
  type RateDoubt,
  requireRates,
  requireScope,
  type WorkedExample,
  workedExamples,
} from "../domain/own-price-rules.js";
import { effectiveRates, isGlob, type OwnPrice, OwnPrices } from "../domain/own-prices.js";
import type { PricedKind, Rates } from "../domain/price.js";
import { calendar, formatInstant, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { nearest } from "./find.js";
import { momentOf } from "./moment.js";
import type { Reading } from "./ports.js";
import { bookRates, modelsFor, statedRates } from "./prices.js";
import { sealOf } from "./sealing.js";

export interface SetPrice {
  /** A model or a glob. */
  readonly model: string;
  /** A provider or a glob; any provider, unless given. */
  readonly provider?: string;
  readonly rates: Rates;
  /** A day of the accounting zone or an instant; the beginning of today, unless given. */
  readonly from?: string;
  readonly reason?: string;
}

export interface PriceSet {
  readonly price: OwnPrice;
  /** What stood for the same models from the same instant before; `null`: nothing. */
  readonly replaced: OwnPrice | null;
  readonly timeZone: string;
  /** Whether it holds already. */
  readonly hasBegun: boolean;
  readonly examples: readonly WorkedExample[];
  /** Models of the ledger about which it decides when it begins. */
  readonly models: readonly PricedKind[];
  /** Events of these models in the ledger that have no price and occurred on days before it begins, sealed ones not. */
  readonly unpricedBefore: number;
  /** The first instant for which usage can be given this price: when it begins, or later, when what is sealed ends. */
  readonly repriceFrom: Instant;
  /** Models of the ledger that it is for, and for which a more specific price of one's own goes before it. */
  readonly shadowed: readonly PricedKind[];
  readonly doubts: readonly (RateDoubt & { readonly model: string | null })[];
  /** The provider that the model's name begins with, where no call of that name is in the ledger. */
  readonly providerInName: string | null;
}

/**
 * Sets what calls of some models cost from an instant on. What is in the ledger already keeps its cost until it is
 * repriced. A price for the same models from the same instant is replaced.
 */
export async function setPrice(
  engine: Engine,
  input: SetPrice,
  options: ChangeOptions = {},
): Promise<PriceSet> {
  const scope = requireScope(input.provider ?? "", input.model);
  const rates = requireRates(input.rates);
  // Before the transaction, which is not to wait for it.
  const book = await engine.prices();
  return engine.store.write(async (tx) => {
    const at = engine.now();
    const { time_zone: timeZone } = await tx.settings.current();
    const startsAt = await startOf(input.from, timeZone, at);
    const before = await tx.prices.own();
    const replaced = before.find((each) => isSame(each, { ...scope, startsAt })) ?? null;
    if (replaced !== null && RATE_UNITS.every((unit) => replaced.rates[unit] === rates[unit])) {
      throw new AlphaError(
        "conflict",
        `${nameOf(scope)} costs that already from ${formatInstant(startsAt)} on`,
        {
          hint: "see it with: alpha prices list",
        },
      );
    }
    if (replaced !== null) await tx.prices.end(replaced.id, at);
    const price = await tx.prices.add({ ...scope, startsAt, rates }, at);
    await audit(engine, tx, at, {
      action: "prices.set",
      subject: `price:${nameOf(scope)}`,
      before: replaced === null ? null : auditedPrice(replaced),
      after: auditedPrice(price),
      reason: input.reason ?? null,
    });
    const kinds = await modelsFor(tx, scope);
    const lookup = new OwnPrices(await tx.prices.own());
    const decides = (kind: PricedKind) => lookup.priceAt(kind, startsAt)?.id === price.id;
    const models = kinds.filter(decides);
    const asNamed = isGlob(scope.model) || isGlob(scope.provider) ? [] : [scope];
    const known = bookRates([...asNamed, ...kinds], startsAt, book);
    const seal = await sealOf(tx);
    const days = { from: seal?.day ?? Number.MIN_SAFE_INTEGER, to: calendar(timeZone).dayOf(startsAt) };
    return {
      price,
      replaced,
      timeZone,
      hasBegun: startsAt <= at,
      examples: workedExamples(effectiveRates(rates)),
      models,
      unpricedBefore: await unpricedOn(tx, models, days),
      repriceFrom: Math.max(startsAt, seal?.until ?? startsAt),
      shadowed: kinds.filter((kind) => !decides(kind)),
      doubts: doubtsAbout(rates, known?.rates ?? null).map((doubt) => ({
        ...doubt,
        model: doubt.book === null ? null : (known?.kind.model ?? null),
      })),
      providerInName: kinds.length > 0 ? null : await providerIn(tx, scope.model),
    };
  }, options);
}

async function unpricedOn(tx: Reading, kinds: readonly PricedKind[], days: DayRange): Promise<number> {
  const cells = kinds.length === 0 ? [] : await tx.usage.cells({ ...days, unpriced: true }, "kind");
  const ofThese = cells.filter((cell) =>
    kinds.some(({ provider, model }) => provider === cell.provider && model === cell.model),
  );
  return ofThese.reduce((sum, { unpriced }) => sum + unpriced, 0);
}

async function startOf(from: string | undefined, timeZone: string, at: Instant): Promise<Instant> {
  return from === undefined
    ? calendar(timeZone).windowAt("day", at).start
    : momentOf("--from", from, timeZone);
}

async function providerIn(tx: Reading, model: string): Promise<string | null> {
  const slash = model.indexOf("/");
  const provider = model.slice(0, Math.max(0, slash));
  const named = (await tx.prices.models()).some((kind) => kind.provider !== "" && kind.provider === provider);
  return named ? provider : null;
}

export interface RemovePrice {
  readonly model: string;
  readonly provider?: string;
  /** When it begins; needed where there are several for the same models. */
  readonly from?: string;
  readonly reason?: string;
}

export interface PriceRemoved {
  readonly price: OwnPrice;
  readonly timeZone: string;
  /** Models of the ledger about which it decided. */
  readonly models: readonly PricedKind[];
}

/** Takes a price of one's own out of force. What is in the ledger keeps its cost until it is repriced. */
export function removePrice(
  engine: Engine,
  input: RemovePrice,
  options: ChangeOptions = {},
): Promise<PriceRemoved> {
  const scope = requireScope(input.provider ?? "", input.model);
  return engine.store.write(async (tx) => {
    const at = engine.now();
    const { time_zone: timeZone } = await tx.settings.current();
    const all = await tx.prices.own();
    const price = requirePrice(all, scope, input.from, timeZone);
    const lookup = new OwnPrices(all);
    const kinds = await modelsFor(tx, scope);
    await tx.prices.end(price.id, at);
    await audit(engine, tx, at, {
      action: "prices.remove",
      subject: `price:${nameOf(scope)}`,
      before: auditedPrice(price),
      reason: input.reason ?? null,
    });
    return {
      price,
      timeZone,
      models: kinds.filter((kind) => lookup.priceAt(kind, price.startsAt)?.id === price.id),
    };
  }, options);
}

function requirePrice(
  all: readonly OwnPrice[],
  scope: Pick<OwnPrice, "provider" | "model">,
  from: string | undefined,
  timeZone: string,
): OwnPrice {
  const named = all.filter((each) => each.provider === scope.provider && each.model === scope.model);
  const startsAt = from === undefined ? null : momentOf("--from", from, timeZone);
  const found = startsAt === null ? named : named.filter((each) => each.startsAt === startsAt);
  const [price, ...others] = found;
  if (price !== undefined && others.length === 0) return price;
  if (price !== undefined) {
    const starts = found.map((each) => formatInstant(each.startsAt)).join(", ");
    throw new AlphaError("conflict", `there are ${found.length} prices of your own for ${nameOf(scope)}`, {
      hint: `say which one by its start with --from: ${starts}`,
    });
  }
  const since = startsAt === null ? "" : ` from ${formatInstant(startsAt)} on`;
  const suggestion = nearest(nameOf(scope), all.map(nameOf));
  const meant =
    suggestion === undefined || suggestion === nameOf(scope) ? "" : `; did you mean ${suggestion}?`;
  throw new AlphaError("not-found", `you have set no price for ${nameOf(scope)}${since}${meant}`, {
    hint: "see your own with: alpha prices list --own",
  });
}

function isSame(a: OwnPrice, b: Omit<OwnPrice, "id" | "rates">): boolean {
  return a.provider === b.provider && a.model === b.model && a.startsAt === b.startsAt;
}

/** How a price is called in sentences and in the audit: `openai/gpt-4o`, or the model alone for any provider. */
function nameOf({ provider, model }: Pick<OwnPrice, "provider" | "model">): string {
  return provider === "" ? model : `${provider}/${model}`;
}

/** A price as audit entries have it. */
export function auditedPrice({ provider, model, startsAt, rates }: OwnPrice) {
  return { provider, model, from: formatInstant(startsAt), rates: statedRates(rates) };
}
