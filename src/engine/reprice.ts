import { isNothing, type Standing } from "../domain/ledger-corrections.js";
import type { Operation, OperationOutcome } from "../domain/ledger-model.js";
import { usdString } from "../domain/money.js";
import { matchesGlob, OwnPrices } from "../domain/own-prices.js";
import { promptSize } from "../domain/price.js";
import type { PriceBook } from "../domain/price-book.js";
import { priceUsage, type QuotedRates } from "../domain/price-rule.js";
import type { Settings } from "../domain/settings.js";
import { canonicalProvider, usedNothing } from "../domain/usage.js";
import { formatInstant, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { momentOf, momentsOf } from "./moment.js";
import type { Page, StandingEvent } from "./ports/ledger.js";
import type { Progress } from "./ports.js";
import { type Seal, sealOf } from "./sealing.js";

/** Events read at a time. */
const PAGE = 5_000;
/** Corrections in one transaction, short enough for a call that wants the lock in between. */
const SLICE = 400;

export interface RepriceWanted {
  /** A day of the accounting zone or an instant; inclusive. */
  readonly since?: string;
  /** The same; exclusive. */
  readonly until?: string;
  /** Names or globs. */
  readonly model?: string;
  readonly provider?: string;
  /** Also events whose log stated a cost, unless it was 0. */
  readonly includeReported?: boolean;
  readonly reason?: string;
}

export interface RepriceOptions extends ChangeOptions {
  /** Stops after the slice in hand; what was corrected stays. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/** What repricing did to the events of one model. Money is in nanos. */
export interface RepricedModel {
  readonly provider: string;
  readonly model: string;
  /** Events whose price changed. */
  readonly events: number;
  readonly costBefore: bigint;
  readonly costAfter: bigint;
  /** What unpriced usage was assumed to cost, and is now. */
  readonly assumedBefore: bigint;
  readonly assumedAfter: bigint;
  readonly unpricedBefore: number;
  readonly unpricedAfter: number;
}

export interface Repriced {
  readonly timeZone: string;
  /** Those with changes, by the size of the difference. */
  readonly models: readonly RepricedModel[];
  /** Events that were looked at, in the range and of the models asked for. */
  readonly examined: number;
  /** Whether stated costs were to be replaced. */
  readonly includeReported: boolean;
  /** Of those, how many have a stated cost and were therefore left alone. */
  readonly reported: number;
  /** Of those, how many no price covers even now, though something was used. */
  readonly unpriced: number;
  /** Whether the operator stopped it. */
  readonly interrupted: boolean;
}

type Sums = { -readonly [Key in keyof RepricedModel]: RepricedModel[Key] };

/** What prices are decided by, as it was when the repricing began; the ledger decides by what is in force then. */
interface Pricing {
  readonly own: OwnPrices;
  readonly book: PriceBook;
  readonly settings: Settings;
}

/**
 * Prices usage that is in the ledger by the prices that are known now for the instant at which it occurred. Differences
 * are entered as corrections, in short transactions; once entered, nothing is left to be corrected. So it can be stopped
 * and run again.
 */
export async function reprice(
  engine: Engine,
  wanted: RepriceWanted,
  { dryRun = false, signal, progress }: RepriceOptions = {},
): Promise<Repriced> {
  const book = await engine.prices();
  const { settings, own, seal } = await engine.store.read(async (tx) => ({
    settings: await tx.settings.current(),
    own: new OwnPrices(await tx.prices.own()),
    seal: await sealOf(tx),
  }));
  const isWanted = filterOf(wanted, settings.time_zone, seal);
  const run = new Repricing(engine, { own, book, settings }, wanted.includeReported === true, dryRun);
  let after: number | null = null;
  let read = 0;
  do {
    const wantedPage = { after, limit: PAGE };
    const page: Page<StandingEvent, number> = await engine.store.read((tx) =>
      tx.ledger.standings(wantedPage),
    );
    await run.take(page.rows.filter(isWanted), signal);
    read += page.rows.length;
    progress?.report({ done: read, total: null, records: read, rejected: 0 });
    after = page.next;
  } while (after !== null && signal?.aborted !== true);
  const done = {
    ...run.result(),
    timeZone: settings.time_zone,
    includeReported: wanted.includeReported === true,
    interrupted: signal?.aborted === true,
  };
  if (!dryRun && done.models.length > 0) await auditRepricing(engine, wanted, done);
  return done;
}

function filterOf(wanted: RepriceWanted, timeZone: string, seal: Seal | null) {
  const { since, model, provider } = wanted;
  const begin = seal?.until ?? Number.NEGATIVE_INFINITY;
  const stated = momentsOf(wanted, timeZone);
  if (seal !== null && since !== undefined && stated.from < begin) {
    throw new AlphaError("conflict", `what occurred before ${seal.month} is sealed, and keeps its price`, {
      hint: `leave --since out, or give --since ${seal.month}-01`,
    });
  }
  const from = Math.max(stated.from, begin);
  const { to } = stated;
  const served = provider === undefined ? undefined : canonicalProvider(provider);
  return ({ standing }: StandingEvent): boolean =>
    !isNothing(standing) &&
    standing.occurredAt >= from &&
    standing.occurredAt < to &&
    (model === undefined || matchesGlob(model.trim(), standing.model)) &&
    (served === undefined || matchesGlob(served, standing.provider));
}

class Repricing {
  readonly #models = new Map<string, Sums>();
  #examined = 0;
  #reported = 0;
  #unpriced = 0;

  constructor(
    private readonly engine: Engine,
    private readonly pricing: Pricing,
    private readonly includeReported: boolean,
    private readonly dryRun: boolean,
  ) {}

  result(): Pick<Repriced, "models" | "examined" | "reported" | "unpriced"> {
    const models = [...this.#models.values()].sort(byDifference);
    return { models, examined: this.#examined, reported: this.#reported, unpriced: this.#unpriced };
  }

  async take(events: readonly StandingEvent[], signal: AbortSignal | undefined): Promise<void> {
    for (let from = 0; from < events.length && signal?.aborted !== true; from += SLICE) {
      const slice = events.slice(from, from + SLICE);
      this.#examined += slice.length;
      const changed = slice.flatMap((event) => this.#change(event));
      if (changed.length > 0) await this.#correct(changed);
    }
  }

  /** The event with the book's rates, where it is to be priced anew and that makes a difference. */
  #change(event: StandingEvent): { readonly event: StandingEvent; readonly rates: QuotedRates | null }[] {
    const { standing } = event;
    if (standing.pricedBy === "log" && !(this.includeReported && mayBePriced(standing))) {
      this.#reported += 1;
      return [];
    }
    const { own, book, settings } = this.pricing;
    const found = book.rates(standing, standing.occurredAt, promptSize(standing, standing.requests));
    const rates = found === null ? null : { rates: found, from: "book" as const };
    const ownRates = own.at(standing, standing.occurredAt);
    const price = priceUsage(standing, null, ownRates, rates, settings, standing.requests);
    // A cost that was stated is known; that no price covers the call makes it no less so.
    if (price.pricedBy === "none" && standing.pricedBy === "log") return [];
    const isSame =
      price.cost === standing.cost &&
      price.assumed === standing.assumed &&
      price.pricedBy === standing.pricedBy;
    if (!isSame) return [{ event, rates }];
    this.#unpriced += standing.unpriced;
    return [];
  }

  async #correct(
    changed: readonly { readonly event: StandingEvent; readonly rates: QuotedRates | null }[],
  ): Promise<void> {
    const at = this.engine.now();
    const operations = changed.map(
      ({ event: { user, number }, rates }): Operation => ({
        op: "correct",
        user,
        event: number,
        correction: { to: "price", rates },
        at,
      }),
    );
    const { meter } = this.engine.store;
    const outcomes = this.dryRun
      ? await meter.preview(operations)
      : await meter.commit(operations, { background: true });
    for (const [index, { event }] of changed.entries()) this.#count(event, outcomes[index]);
  }

  #count({ standing }: StandingEvent, outcome: OperationOutcome | undefined): void {
    if (outcome?.op !== "correct" || outcome.event === null) return;
    const { provider, model, cost, assumed, unpriced } = standing;
    const { event: difference } = outcome;
    const key = `${provider}\n${model}`;
    const sums = this.#models.get(key) ?? { provider, model, ...NO_CHANGE };
    this.#models.set(key, sums);
    sums.events += 1;
    sums.costBefore += BigInt(cost);
    sums.costAfter += BigInt(cost + difference.cost);
    sums.assumedBefore += BigInt(assumed);
    sums.assumedAfter += BigInt(assumed + difference.assumed);
    const unpricedAfter = unpriced + (difference.unpriced ?? 0);
    sums.unpricedBefore += unpriced;
    sums.unpricedAfter += unpricedAfter;
    this.#unpriced += unpricedAfter;
  }
}

const NO_CHANGE = {
  events: 0,
  costBefore: 0n,
  costAfter: 0n,
  assumedBefore: 0n,
  assumedAfter: 0n,
  unpricedBefore: 0,
  unpricedAfter: 0,
};

/** A call that was free, such as one answered from a gateway's cache, stays so; and without usage nothing can be priced. */
function mayBePriced(standing: Standing): boolean {
  return standing.cost !== 0 && !usedNothing(standing);
}

/** By how much more, or less, the events of a model cost now, assumed cost included. */
export function differenceOf(model: Omit<RepricedModel, "provider" | "model" | "events">): bigint {
  return model.costAfter + model.assumedAfter - model.costBefore - model.assumedBefore;
}

function byDifference(a: RepricedModel, b: RepricedModel): number {
  const size = (model: RepricedModel) => {
    const difference = differenceOf(model);
    return difference < 0n ? -difference : difference;
  };
  const [left, right] = [size(a), size(b)];
  if (left !== right) return left > right ? -1 : 1;
  return `${a.provider}\n${a.model}` < `${b.provider}\n${b.model}` ? -1 : 1;
}

/** Everything that changed, as one. */
export function totalOfRepriced(models: readonly RepricedModel[]): Omit<RepricedModel, "provider" | "model"> {
  const sums = { ...NO_CHANGE };
  for (const model of models) {
    sums.events += model.events;
    sums.costBefore += model.costBefore;
    sums.costAfter += model.costAfter;
    sums.assumedBefore += model.assumedBefore;
    sums.assumedAfter += model.assumedAfter;
    sums.unpricedBefore += model.unpricedBefore;
    sums.unpricedAfter += model.unpricedAfter;
  }
  return sums;
}

function auditRepricing(engine: Engine, wanted: RepriceWanted, done: Repriced): Promise<number> {
  const { since, until, model, provider, includeReported = false } = wanted;
  const instant = (option: string, text: string | undefined): Instant | null =>
    text === undefined ? null : momentOf(option, text, done.timeZone);
  const [from, to] = [instant("--since", since), instant("--until", until)];
  const total = totalOfRepriced(done.models);
  return engine.store.write((tx) =>
    audit(engine, tx, engine.now(), {
      action: "usage.reprice",
      subject: "ledger",
      before: { cost_usd: usdString(total.costBefore), assumed_usd: usdString(total.assumedBefore) },
      after: {
        since: from === null ? null : formatInstant(from),
        until: to === null ? null : formatInstant(to),
        model: model ?? null,
        provider: provider ?? null,
        include_reported: includeReported,
        events: total.events,
        cost_usd: usdString(total.costAfter),
        assumed_usd: usdString(total.assumedAfter),
        complete: !done.interrupted,
      },
      reason: wanted.reason ?? null,
    }),
  );
}
