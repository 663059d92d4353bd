import type { DayRange } from "../../domain/day-range.js";
import { formatUsd, moneyJson, type Nanos, usdString } from "../../domain/money.js";
import type { Suggestion, SuggestReason } from "../../domain/suggest.js";
import { suggestionInWords } from "../../domain/suggest-words.js";
import type { User } from "../../domain/user.js";
import { dayLabel } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import type { Table } from "../table.js";
import { plural, wrap } from "../text.js";
import { amountJson, limitJson } from "./quotas.js";

export interface SuggestedView extends Suggestion {
  readonly user: User;
  /** Whether it was applied; left out where nothing was to be. */
  readonly applied?: boolean;
}

function nameOf({ user }: SuggestedView): string {
  return user.email ?? user.key;
}

function reasonJson(reason: SuggestReason) {
  switch (reason.kind) {
    case "limit-in-the-way":
    case "month-used-up": {
      const { meter, period, limit } = reason.quota;
      return {
        kind: reason.kind,
        meter,
        period,
        limit: amountJson(meter, limit),
        becomes: limitJson(meter, reason.becomes),
        ...(reason.kind === "month-used-up"
          ? { used: amountJson(meter, reason.used), days_left: reason.daysLeft }
          : { days: reason.days, of_days: reason.ofDays, refused: reason.refused }),
      };
    }
    case "feature-refused":
      return { kind: reason.kind, feature: reason.feature, days: reason.days, calls: reason.calls };
    case "unused":
      return { kind: reason.kind, of_days: reason.ofDays };
    case "room-below": {
      const { quota, most, ofDays } = reason;
      if (quota === null) return { kind: reason.kind, of_days: ofDays };
      const { meter, period, limit } = quota;
      return {
        kind: reason.kind,
        meter,
        period,
        limit: amountJson(meter, limit),
        most: amountJson(meter, most),
        of_days: ofDays,
      };
    }
  }
}

export function suggestedJson(move: SuggestedView) {
  const { user, direction, from, to, reasons, cost, losesUsed, applied } = move;
  const most = (nanos: Nanos | null) => (nanos === null ? null : moneyJson(nanos));
  return {
    user: user.key,
    email: user.email,
    direction,
    from: from.key,
    to: to.key,
    reason: suggestionInWords(move),
    reasons: reasons.map(reasonJson),
    monthly_cost: moneyJson(cost.pace),
    most_monthly_cost: { before: most(cost.mostNow), after: most(cost.mostThen) },
    features_lost_in_use: losesUsed,
    ...(applied === undefined ? {} : { applied }),
  };
}

export interface SuggestedDays {
  readonly range: DayRange;
  readonly testers: number;
}

function daysInWords({ range }: SuggestedDays): string {
  return `the ${plural(range.to - range.from, "day")} up to ${dayLabel(range.to - 1)}`;
}

function nothingInWords(days: SuggestedDays): string {
  return `Nothing to suggest: what ${plural(days.testers, "active tester")} used in ${daysInWords(days)} fits ${days.testers === 1 ? "their tier" : "their tiers"}.`;
}

/** For CSV and Markdown; people get `suggestedText`, which has room for the reasons. */
export function suggestedTable(moves: readonly SuggestedView[], days: SuggestedDays): Table<SuggestedView> {
  const cost = (key: string, header: string, of: (move: SuggestedView) => Nanos | null) => ({
    key,
    header,
    align: "right" as const,
    text: (move: SuggestedView) => mostInWords(of(move)),
    value: (move: SuggestedView) => {
      const nanos = of(move);
      return nanos === null ? null : usdString(nanos);
    },
  });
  return {
    rows: moves,
    empty: nothingInWords(days),
    columns: [
      { key: "user", header: "USER", text: nameOf },
      { key: "direction", header: "MOVE", text: ({ direction }) => direction },
      { key: "from", header: "FROM", text: ({ from }) => from.key },
      { key: "to", header: "TO", text: ({ to }) => to.key },
      cost("monthly_cost", "COSTS", (move) => move.cost.pace),
      cost("most_before", "AT MOST", (move) => move.cost.mostNow),
      cost("most_after", "THEN", (move) => move.cost.mostThen),
      { key: "reason", header: "WHY", text: suggestionInWords },
      { key: "features_lost_in_use", header: "LOSES", text: ({ losesUsed }) => losesUsed.join(" ") },
      ...(moves.every(({ applied }) => applied === undefined)
        ? []
        : [
            {
              key: "applied",
              header: "APPLIED",
              text: ({ applied }: SuggestedView) => (applied === true ? "yes" : "no"),
              value: ({ applied }: SuggestedView) => applied === true,
            },
          ]),
    ],
  };
}

function mostInWords(nanos: Nanos | null): string {
  return nanos === null ? "any amount" : formatUsd(nanos);
}

/** What a month costs now, and what it may come to: `$0.31 a month now; at most $9.30, then $93.00`. */
export function costInWords({ cost }: SuggestedView): string {
  const { pace, mostNow, mostThen } = cost;
  const most =
    mostNow === null && mostThen === null
      ? "their limits bound it neither now nor then"
      : `their limits let through ${mostInWords(mostNow)} now, and ${mostInWords(mostThen)} then`;
  return `${formatUsd(pace)} a month at this pace; ${most}`;
}

/** One tester after the other, with the reason in full. */
export function suggestedText(
  moves: readonly SuggestedView[],
  days: SuggestedDays,
  {
    style,
    width,
    dryRun = false,
  }: { readonly style: Style; readonly width: number | null; readonly dryRun?: boolean },
): string {
  const fitted = (text: string) => (width === null ? [text] : wrap(text, width));
  if (moves.length === 0) return `${fitted(nothingInWords(days)).join("\n")}\n`;
  const blocks = moves.map((move) => blockOf(move, style, width, dryRun));
  const notes = [
    `From ${daysInWords(days)}. A month is 30 days, and what limits let through is told for the same mix of calls.`,
    ...(moves.some(({ applied }) => applied !== undefined)
      ? []
      : ["Apply them one by one with: alpha users suggest --apply"]),
  ];
  const told = notes.flatMap(fitted).map((line) => `${style.muted(line)}\n`);
  return `${blocks.join("\n")}\n${told.join("")}`;
}

function blockOf(move: SuggestedView, style: Style, width: number | null, dryRun: boolean): string {
  const { direction, from, to, losesUsed } = move;
  const word = headOf(move, dryRun);
  const paint = direction === "promote" ? style.ok : style.warn;
  const head = `${paint(word)} ${style.emphasis(sanitize(nameOf(move)))} from ${from.key} to ${to.key}`;
  const fields: Field[] = [
    ["  why", suggestionInWords(move)],
    ["  cost", costInWords(move)],
  ];
  if (losesUsed.length > 0) {
    fields.push(["  loses", `${losesUsed.join(", ")}, in use now`, (text) => style.warn(text)]);
  }
  return `${head}\n${renderFields(fields, { style, width })}`;
}

function headOf({ direction, applied }: SuggestedView, dryRun: boolean): string {
  const plainWord = direction === "promote" ? "Promote" : "Demote";
  if (applied === undefined) return plainWord;
  if (!applied) return `Left: ${plainWord.toLowerCase()}`;
  return dryRun ? `Would ${plainWord.toLowerCase()}` : `${plainWord}d`;
}
