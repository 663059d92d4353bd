import type { CostChart } from "../domain/cost-chart.js";
import { quotaName } from "../domain/meter.js";
import type { QuotaFill, UserReport, UserRow } from "../domain/report-users.js";
import { sanitize } from "./sanitize.js";
import { percent } from "./text.js";
import { amountText, inOrder } from "./views/quotas.js";

/** One stack of bars. */
export interface Series {
  readonly name: string;
  /** Of a model that is named, of all the others, or of usage that no price covers. */
  readonly kind: "model" | "others" | "assumed";
  /** US dollars. */
  readonly values: readonly number[];
}

/** What the charts of a report's page are drawn from. It travels as JSON. */
export interface PageData {
  readonly cost: { readonly labels: readonly string[]; readonly series: readonly Series[] };
  readonly limits: {
    readonly names: readonly string[];
    /** Of each tester's fullest quota. */
    readonly ratios: readonly number[];
    /** What the bar stands for, then every quota of the tester. */
    readonly details: readonly (readonly string[])[];
    readonly warnAt: number;
    readonly blockAt: number;
  };
  readonly estimates: {
    readonly names: readonly string[];
    /** US dollars; `null`: nothing was expected. */
    readonly stated: readonly (number | null)[];
    readonly computed: readonly (number | null)[];
    readonly actual: readonly number[];
  };
}

/** Bars that can be told apart on one screen; the tables have everybody. */
export const MOST_BARS = 40;

const BASIS_POINTS = 10_000;
const NANOS = 1e9;

export function pageData(report: UserReport, cost: CostChart): PageData {
  const full = fullest(report);
  const expected = report.rows.slice(0, MOST_BARS);
  return {
    cost: { labels: cost.labels, series: seriesOf(cost) },
    limits: {
      names: full.map(nameOf),
      ratios: full.map(({ fullest: quota }) => quota?.ratio ?? 0),
      details: full.map(({ quotas }) => inOrder(quotas).map(fillText)),
      warnAt: report.warnAt / BASIS_POINTS,
      blockAt: report.blockAt / BASIS_POINTS,
    },
    estimates: {
      names: expected.map(nameOf),
      stated: expected.map(({ estimate }) => (estimate.stated === null ? null : usd(estimate.stated))),
      computed: expected.map(({ estimate }) => (estimate.computed === null ? null : usd(estimate.computed))),
      actual: expected.map(({ estimate }) => usd(estimate.actual)),
    },
  };
}

/** The rows with a limit that can be reached, the fullest first. */
function fullest({ rows }: UserReport): UserRow[] {
  return rows
    .filter((row) => row.fullest !== null)
    .sort((a, b) => (b.fullest?.ratio ?? 0) - (a.fullest?.ratio ?? 0))
    .slice(0, MOST_BARS);
}

function seriesOf({ models, others, assumed }: CostChart): Series[] {
  const series: Series[] = models.map(({ model, costs }) => ({
    name: model === "" ? "no model stated" : sanitize(model),
    kind: "model",
    values: costs.map(usd),
  }));
  if (others !== null) {
    series.push({ name: `${others.models} more`, kind: "others", values: others.costs.map(usd) });
  }
  if (assumed.some((cost) => cost !== 0n)) {
    series.push({ name: "assumed, unpriced", kind: "assumed", values: assumed.map(usd) });
  }
  return series;
}

function nameOf({ user }: UserRow): string {
  return sanitize(user.email ?? user.key);
}

function fillText(quota: QuotaFill): string {
  const { meter, used, limit, ratio } = quota;
  const share = ratio === null ? "disabled" : percent(ratio);
  return `${quotaName(quota)}: ${share} (${amountText(meter, used)} of ${amountText(meter, limit)})`;
}

/** As near as a float comes: for bars, whose lengths nobody reads to the nano. */
function usd(nanos: bigint | number): number {
  return Number(nanos) / NANOS;
}
