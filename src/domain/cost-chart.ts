import type { DayRange } from "./day-range.js";
import type { CallKind } from "./usage.js";
import { calendar, dayLabel, monthLabel } from "./window.js";

/** The models that are told apart; more colours than that nobody can. */
export const MOST_MODELS = 7;
/** A range of more days is shown by month. */
export const MOST_DAYS = 124;

/** To which month a day belongs does not depend on the zone. */
const DATES = calendar("UTC");

/** What one model cost, by day or month. */
export interface ModelCosts {
  /** With its provider where the same model comes from several; empty: no model was stated. */
  readonly model: string;
  /** Known cost in nanos, one for each label. */
  readonly costs: readonly bigint[];
}

/** Cost over time, by model. */
export interface CostChart {
  readonly unit: "day" | "month";
  /** `2026-11-22` or `2026-11`. */
  readonly labels: readonly string[];
  /** The dearest first. */
  readonly models: readonly ModelCosts[];
  /** What all others cost together; `null`: there are none. */
  readonly others: { readonly models: number; readonly costs: readonly bigint[] } | null;
  /** What unpriced usage is assumed to cost. */
  readonly assumed: readonly bigint[];
}

interface Cell extends CallKind {
  readonly day: number;
  readonly cost: bigint;
  readonly assumed: bigint;
}

/**
 * Sums up cells of a range by model. Days that are yet to come are left out, unless something is dated to them.
 * @param today the running accounting day
 */
export function costChart(cells: readonly Cell[], range: DayRange, today: number): CostChart {
  const end = cells.reduce((last, { day }) => Math.max(last, day + 1), Math.min(range.to, today + 1));
  const unit = end - range.from > MOST_DAYS ? "month" : "day";
  const indexOf = (day: number) => (unit === "day" ? day : DATES.dayToMonth(day));
  const first = indexOf(range.from);
  const length = Math.max(0, end > range.from ? indexOf(end - 1) - first + 1 : 0);
  const none = () => new Array<bigint>(length).fill(0n);

  const assumed = none();
  const costs = new Map<string, bigint[]>();
  const nameOf = namesOf(cells);
  for (const cell of cells) {
    const at = indexOf(cell.day) - first;
    assumed[at] = (assumed[at] ?? 0n) + cell.assumed;
    if (cell.cost === 0n) continue;
    const name = nameOf(cell);
    const sums = costs.get(name) ?? none();
    sums[at] = (sums[at] ?? 0n) + cell.cost;
    costs.set(name, sums);
  }
  const models = [...costs]
    .map(([model, sums]) => ({ model, costs: sums, total: sums.reduce((sum, cost) => sum + cost, 0n) }))
    .sort((a, b) => (a.total === b.total ? (a.model < b.model ? -1 : 1) : a.total > b.total ? -1 : 1));
  const rest = models.slice(MOST_MODELS);
  return {
    unit,
    labels: Array.from({ length }, (_, at) => (unit === "day" ? dayLabel : monthLabel)(first + at)),
    models: models.slice(0, MOST_MODELS).map(({ model, costs: sums }) => ({ model, costs: sums })),
    others:
      rest.length === 0
        ? null
        : {
            models: rest.length,
            costs: none().map((_, at) => rest.reduce((sum, { costs: each }) => sum + (each[at] ?? 0n), 0n)),
          },
    assumed,
  };
}

/** Names a call's model, which may cost differently elsewhere. */
function namesOf(cells: readonly Cell[]): (kind: CallKind) => string {
  const providers = new Map<string, Set<string>>();
  for (const { provider, model } of cells) {
    providers.set(model, (providers.get(model) ?? new Set()).add(provider));
  }
  return ({ provider, model }) =>
    (providers.get(model)?.size ?? 0) > 1 && provider !== "" ? `${provider}/${model}` : model;
}
