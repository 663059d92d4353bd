import { formatUsd, moneyJson, usdString } from "../../domain/money.js";
import type { Table } from "../table.js";
import { count, plural } from "../text.js";

interface SumsView {
  readonly events: number;
  readonly costBefore: bigint;
  readonly costAfter: bigint;
  readonly assumedBefore: bigint;
  readonly assumedAfter: bigint;
  readonly unpricedBefore: number;
  readonly unpricedAfter: number;
}

interface ModelView extends SumsView {
  readonly provider: string;
  readonly model: string;
}

export interface RepricedView {
  readonly models: readonly ModelView[];
  readonly examined: number;
  readonly includeReported: boolean;
  readonly reported: number;
  readonly unpriced: number;
  readonly interrupted: boolean;
}

function sumsJson(sums: SumsView) {
  return {
    events: sums.events,
    cost_before: moneyJson(sums.costBefore),
    cost_after: moneyJson(sums.costAfter),
    assumed_before: moneyJson(sums.assumedBefore),
    assumed_after: moneyJson(sums.assumedAfter),
    difference: moneyJson(differenceOf(sums)),
    unpriced_before: sums.unpricedBefore,
    unpriced_after: sums.unpricedAfter,
  };
}

export function repricedJson({ models, examined, reported, unpriced }: RepricedView, total: SumsView) {
  return {
    models: models.map(({ provider, model, ...sums }) => ({ provider, model, ...sumsJson(sums) })),
    total: sumsJson(total),
    examined_events: examined,
    reported_events: reported,
    unpriced_events: unpriced,
  };
}

function differenceOf({ costBefore, costAfter, assumedBefore, assumedAfter }: SumsView): bigint {
  return costAfter + assumedAfter - costBefore - assumedBefore;
}

/** Known cost, and with a mark what is assumed beside it. */
function costText(cost: bigint, assumed: bigint): string {
  if (assumed === 0n) return formatUsd(cost);
  return cost === 0n ? `~${formatUsd(assumed)}` : `${formatUsd(cost)} + ~${formatUsd(assumed)}`;
}

function differenceText(nanos: bigint): string {
  return nanos > 0n ? `+${formatUsd(nanos)}` : formatUsd(nanos);
}

/** What repricing did, or would do, to each model. */
export function repricedTable(view: RepricedView, total: SumsView, forPeople: boolean): Table<ModelView> {
  const { models } = view;
  const unpriced = models.some((row) => row.unpricedBefore + row.unpricedAfter > 0);
  const number = (key: string, header: string, of: (row: ModelView) => number) => ({
    key,
    header,
    align: "right" as const,
    text: (row: ModelView) => count(of(row)),
    value: of,
  });
  const money = (key: string, of: (row: ModelView) => bigint) => ({
    key,
    header: "",
    text: (row: ModelView) => formatUsd(of(row)),
    value: (row: ModelView) => usdString(of(row)),
  });
  const cost = (key: string, header: string, of: (row: ModelView) => string) => ({
    key,
    header,
    align: "right" as const,
    text: of,
  });
  return {
    rows: models,
    foot: models.length > 1 ? [{ provider: "", model: "total", ...total }] : [],
    empty: `Nothing to change: ${plural(view.examined, "event")} cost${view.examined === 1 ? "s" : ""} what the prices say.`,
    columns: [
      {
        key: "model",
        header: "MODEL",
        truncate: true,
        minWidth: 14,
        text: ({ model }) => model || "-",
        value: ({ model }) => model || null,
      },
      {
        key: "provider",
        header: "PROVIDER",
        priority: 3,
        text: (row) => (models.includes(row) ? row.provider || "-" : ""),
        value: ({ provider }) => provider || null,
      },
      number("events", "EVENTS", ({ events }) => events),
      ...(forPeople
        ? [
            cost("before", "BEFORE", (row) => costText(row.costBefore, row.assumedBefore)),
            cost("after", "AFTER", (row) => costText(row.costAfter, row.assumedAfter)),
          ]
        : [
            money("cost_before_usd", (row) => row.costBefore),
            money("cost_after_usd", (row) => row.costAfter),
            money("assumed_before_usd", (row) => row.assumedBefore),
            money("assumed_after_usd", (row) => row.assumedAfter),
          ]),
      {
        key: "difference_usd",
        header: "DIFFERENCE",
        align: "right",
        text: (row) => differenceText(differenceOf(row)),
        value: (row) => usdString(differenceOf(row)),
      },
      ...(forPeople
        ? unpriced
          ? [
              {
                key: "unpriced",
                header: "UNPRICED",
                priority: 2,
                align: "right" as const,
                text: (row: ModelView) => `${count(row.unpricedBefore)} to ${count(row.unpricedAfter)}`,
              },
            ]
          : []
        : [
            number("unpriced_before", "", ({ unpricedBefore }) => unpricedBefore),
            number("unpriced_after", "", ({ unpricedAfter }) => unpricedAfter),
          ]),
    ],
    notes: repricedNotes(view),
  };
}

export function repricedNotes({ models, includeReported, reported, unpriced }: RepricedView): string[] {
  const assumed = models.some((row) => row.assumedBefore + row.assumedAfter > 0n);
  const why = includeReported
    ? ", being free or without usage that could be priced"
    : " (--include-reported prices them)";
  return [
    ...(assumed ? ["~ No price is known: assumed at the planning rates."] : []),
    ...(reported === 0 ? [] : [`${plural(reported, "event")} with a stated cost: left as stated${why}.`]),
    ...(unpriced === 0
      ? []
      : [`${plural(unpriced, "event")} that no price covers; see: alpha prices list --unpriced`]),
  ];
}

/** What is asked before it is done. */
export function repriceQuestion({ models }: RepricedView, total: SumsView): string {
  const by = differenceText(differenceOf(total));
  return `Correct the cost of ${plural(total.events, "event")} of ${plural(models.length, "model")}, by ${by} in all?`;
}
