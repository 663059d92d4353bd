import { type DayRange, rangeOf } from "../domain/day-range.js";
import {
  type ComputedAt,
  imageRate,
  modelPricing,
  type Pricing,
  planningPricing,
  tokenSplit,
} from "../domain/estimate.js";
import { fitsOf } from "../domain/estimate-fit.js";
import { OwnPrices } from "../domain/own-prices.js";
import { type PriceSource, type Rates, totalInput } from "../domain/price.js";
import {
  type GroupReport,
  type GroupRow,
  type ReportFrame,
  type ReportGrouping,
  rowsByDay,
  rowsByKind,
  rowsByTier,
  type Sums,
  totalOf,
  unpricedModels,
} from "../domain/report.js";
import { estimateTotals, inferenceDays, rowsByUser, type UserReport } from "../domain/report-users.js";
import { planningRates, type Settings } from "../domain/settings.js";
import { canonicalProvider } from "../domain/usage.js";
import { type Calendar, calendar, firstDayOfMonth, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import type { Reading, UsageCell } from "./ports.js";

export interface ReportRequest {
  readonly by: ReportGrouping;
  /** `YYYY-MM`; the running month when no range is given either. */
  readonly month?: string;
  /** First day, `YYYY-MM-DD`. */
  readonly since?: string;
  /** The day after the last. */
  readonly until?: string;
  /** Compute estimates at the price of this model, as `provider/model` or `model`; only by user. */
  readonly atModel?: string;
}

/** Usage and cost of a range of days, from the daily totals; by user also against limits and estimates. */
export async function usageReport(engine: Engine, request: ReportRequest): Promise<GroupReport | UserReport> {
  const { by, atModel } = request;
  if (atModel !== undefined && by !== "user") {
    throw new AlphaError("usage", `--at-model is for estimates, which a report by ${by} has none of`, {
      hint: "use it with: alpha usage report --by user",
    });
  }
  return onRange<GroupReport | UserReport>(engine, request, (tx, frame, estimates) =>
    by === "user" ? userReport(tx, frame, estimates) : groupReport(tx, by, frame),
  );
}

/** Everything that can be reported of a range of days, from one consistent snapshot. */
export interface WholeReport {
  readonly users: UserReport;
  readonly tiers: GroupReport;
  readonly models: GroupReport;
  readonly features: GroupReport;
  /** Cost by day and model. */
  readonly cells: readonly UsageCell[];
}

export function wholeReport(engine: Engine, request: Omit<ReportRequest, "by">): Promise<WholeReport> {
  return onRange(engine, request, async (tx, frame, estimates) => ({
    users: await userReport(tx, frame, estimates),
    tiers: await groupReport(tx, "tier", frame),
    models: await groupReport(tx, "model", frame),
    features: await groupReport(tx, "feature", frame),
    cells: await tx.usage.cells(frame.range, "day-kind"),
  }));
}

async function onRange<T>(
  engine: Engine,
  { atModel, ...asked }: Omit<ReportRequest, "by">,
  work: (tx: Reading, frame: Frame, estimates: UserFrame) => Promise<T>,
): Promise<T> {
  const prices = atModel === undefined ? null : await engine.prices();
  const at = engine.now();
  return engine.store.read(async (tx) => {
    const settings = await tx.settings.current();
    const days = calendar(settings.time_zone);
    const today = days.dayOf(at);
    const { from, to } = rangeOf(asked, today, days.monthOf(at));
    const range = { from: await firstDay(tx, { from, to }, days), to };
    const monthEnd = firstDayOfMonth(days.monthOf(at) + 1);
    const rates =
      prices === null ? null : modelRates(new OwnPrices(await tx.prices.own()), prices, atModel ?? "", at);
    return work(
      tx,
      { at, zone: days.zone, range, today, monthEnd },
      { settings, calendar: days, model: rates && { name: atModel ?? "", rates } },
    );
  });
}

/** A range without a first day begins with what is known first, so that it can be said and counted. */
async function firstDay(tx: Reading, { from, to }: DayRange, days: Calendar): Promise<number> {
  return from === Number.MIN_SAFE_INTEGER ? Math.min(await firstKnown(tx, days), to - 1) : from;
}

/** The day of the first tester or the first usage; infinity: there is neither. */
async function firstKnown(tx: Reading, days: Calendar): Promise<number> {
  const users = await tx.users.list({ removed: true });
  const onboarded = users.map((user) => days.dayOf(user.createdAt));
  const used = (await tx.usage.report.firstUse()).values();
  return [...onboarded, ...used].reduce((first, day) => Math.min(first, day), Number.POSITIVE_INFINITY);
}

type Frame = Omit<ReportFrame, "totals" | "unpriced">;

async function groupReport(tx: Reading, by: GroupReport["by"], frame: Frame): Promise<GroupReport> {
  const { range } = frame;
  const cells = await tx.usage.cells(range, by === "tier" ? "user" : by === "day" ? "day" : "kind");
  const rows = await groupRows(tx, by, cells, frame);
  const totals = totalOf(cells);
  const kinds = by === "tier" || by === "day" ? null : cells;
  return { ...frame, by, rows, totals, unpriced: await unpricedIn(tx, range, totals, kinds) };
}

async function groupRows(
  tx: Reading,
  by: GroupReport["by"],
  cells: readonly UsageCell[],
  { range, today, zone }: Frame,
): Promise<readonly GroupRow[]> {
  if (by === "tier") return rowsByTier(cells, await tx.users.list({ removed: true }), await tx.tiers.list());
  if (by !== "day") return rowsByKind(cells, by);
  // Days before there was anything to report are no quiet days.
  const from = Math.max(range.from, await firstKnown(tx, calendar(zone)));
  return rowsByDay(cells, { from, to: range.to }, today);
}

async function unpricedIn(tx: Reading, range: DayRange, totals: Sums, kinds: readonly UsageCell[] | null) {
  if (totals.unpriced === 0) return [];
  return unpricedModels(kinds ?? (await tx.usage.cells({ ...range, unpriced: true }, "kind")));
}

interface UserFrame {
  readonly settings: Settings;
  readonly calendar: Calendar;
  readonly model: { readonly name: string; readonly rates: Rates } | null;
}

async function userReport(
  tx: Reading,
  frame: Frame,
  { settings, calendar: days, model }: UserFrame,
): Promise<UserReport> {
  const { range, at, today } = frame;
  const cells = await tx.usage.cells(range, "user");
  const totals = totalOf(cells);
  const tiers = await tx.tiers.list();
  const { pricing, computedAt } = estimatesAt(settings, model, totals);
  const rows = rowsByUser({
    users: await tx.users.list({ removed: true }),
    tiers,
    sums: new Map(cells.map((cell) => [cell.userId, cell])),
    activity: await tx.usage.report.activity({
      days: range,
      months: { from: days.dayToMonth(range.from), to: days.dayToMonth(range.to - 1) + 1 },
      inference: inferenceDays(range, today),
      today,
      thisMonth: days.monthOf(at),
    }),
    overrides: await tx.usage.report.overrides(),
    firstUse: await tx.usage.report.firstUse(),
    removedAt: await tx.usage.report.removedAt(),
    range,
    calendar: days,
    pricing,
    at,
  });
  const pairs = rows.map(({ user, estimate }) => ({ persona: estimate.persona, tier: user.tier }));
  return {
    ...frame,
    by: "user",
    rows,
    totals,
    estimates: estimateTotals(rows),
    computedAt,
    warnAt: settings.warn_at,
    blockAt: settings.block_at,
    fits: fitsOf(pairs, tiers, pricing, settings.block_at),
    unpriced: await unpricedIn(tx, range, totals, null),
  };
}

function modelRates(own: OwnPrices, book: PriceSource, name: string, at: Instant): Rates {
  const slash = name.indexOf("/");
  const split = { provider: canonicalProvider(name.slice(0, slash)), model: name.slice(slash + 1) };
  const kinds = [...(slash > 0 ? [split] : []), { provider: "", model: name }];
  const pricesTokens = (rates: Rates) => rates.input !== null && rates.output !== null;
  const ownRates = kinds.map((kind) => own.at(kind, at)?.rates ?? null);
  const bookRates = kinds.map((kind) => book.rates(kind, at, 0));
  const rates =
    ownRates.find((each) => each !== null && pricesTokens(each)) ??
    bookRates.find((each) => each !== null) ??
    null;
  if (rates !== null) return rates;
  throw new AlphaError("not-found", `no price is known for the model "${name}"`, {
    hint: "name it with its provider, as openai/gpt-4o",
  });
}

function estimatesAt(
  settings: Settings,
  model: UserFrame["model"],
  totals: Sums,
): { readonly pricing: Pricing; readonly computedAt: ComputedAt } {
  const planning = planningRates(settings);
  if (model === null) {
    return { pricing: planningPricing(planning), computedAt: { rates: "planning", ...planning } };
  }
  const { name, rates } = model;
  const split = tokenSplit({ input: totalInput(totals), output: totals.output });
  const pricing = modelPricing(rates, split, planning);
  if (pricing === null || rates.input === null || rates.output === null) {
    throw new AlphaError("conflict", `"${name}" has no price for input and output tokens`);
  }
  const image = imageRate(rates);
  return {
    pricing,
    computedAt: {
      rates: "model",
      model: name,
      split,
      input: rates.input,
      output: rates.output,
      perImage: image ?? planning.perImage,
      imagesPlanned: image === null,
    },
  };
}
