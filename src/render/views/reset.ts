import { dayLabel, formatInstant, type Instant } from "../../domain/window.js";
import type { Style } from "../style.js";
import { list, plural } from "../text.js";

interface ResetView {
  readonly at: Instant;
  readonly timeZone: string;
  readonly closed: readonly {
    readonly day: number;
    readonly holdsEnded: number;
    readonly overridesEnded: number;
    readonly stopsEnded: number;
  }[];
  readonly lastClosed: number | null;
}

export function resetJson({ at, timeZone, closed, lastClosed }: ResetView) {
  return {
    at: formatInstant(at),
    time_zone: timeZone,
    closed: closed.map((each) => ({
      day: dayLabel(each.day),
      holds_ended: each.holdsEnded,
      overrides_ended: each.overridesEnded,
      stops_ended: each.stopsEnded,
    })),
    last_closed: lastClosed === null ? null : dayLabel(lastClosed),
  };
}

export function resetText(view: ResetView & { readonly dryRun: boolean }, style: Style): string {
  const { closed, lastClosed, timeZone, dryRun } = view;
  const [first, last] = [closed[0], closed.at(-1)];
  if (first === undefined || last === undefined) {
    const state =
      lastClosed === null ? "no day is over yet" : `${dayLabel(lastClosed)} was the last day to close`;
    return `Nothing to close: ${state} (${timeZone}).\n`;
  }
  const days =
    closed.length === 1
      ? dayLabel(first.day)
      : `${plural(closed.length, "day")}, ${dayLabel(first.day)} to ${dayLabel(last.day)}`;
  const ended = list(endedInWords(view));
  const lines = [
    `${style.ok(dryRun ? "Would close:" : "Closed:")} ${days} (${timeZone}).`,
    ended === "" ? "Nothing had run out." : `${dryRun ? "Would end" : "Ended"} what had run out: ${ended}.`,
  ];
  return `${lines.join("\n")}\n`;
}

function endedInWords({ closed }: ResetView): string[] {
  const total = (of: (each: ResetView["closed"][number]) => number) =>
    closed.reduce((sum, each) => sum + of(each), 0);
  const counts = [
    ["hold", total((each) => each.holdsEnded)],
    ["override", total((each) => each.overridesEnded)],
    ["emergency stop", total((each) => each.stopsEnded)],
  ] as const;
  return counts.flatMap(([what, n]) => (n === 0 ? [] : [plural(n, what)]));
}
