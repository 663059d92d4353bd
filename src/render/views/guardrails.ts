import type { Stop } from "../../domain/emergency.js";
import type { Guardrail, GuardrailAction } from "../../domain/guardrail.js";
import { quotaName } from "../../domain/meter.js";
import { formatUsd, moneyJson, usdString } from "../../domain/money.js";
import { formatInstant, type Instant, localTime, type Window } from "../../domain/window.js";
import type { Style } from "../style.js";
import type { Table } from "../table.js";
import { bar, count, list, percent, plural, wrap } from "../text.js";

export interface GuardrailView {
  readonly guardrail: Guardrail;
  readonly window: Window;
  readonly used: bigint;
  readonly held: bigint;
  readonly trippedAt: Instant | null;
  readonly isOn: boolean;
}

interface GuardrailsSetView {
  readonly changes: readonly {
    readonly before: Guardrail | null;
    readonly after: GuardrailView;
    readonly outcome: "set" | "changed" | "unchanged";
  }[];
}

interface GuardrailsClearedView {
  readonly cleared: readonly Guardrail[];
  readonly stops: readonly Stop[];
}

type Metered = Pick<Guardrail, "meter">;

function amountText({ meter }: Metered, amount: number | bigint): string {
  return meter === "cost" ? formatUsd(amount) : count(amount);
}

function amountJson({ meter }: Metered, amount: number | bigint) {
  return meter === "cost" ? moneyJson(amount) : amount;
}

function amountValue({ meter }: Metered, amount: number | bigint): string | number | bigint {
  return meter === "cost" ? usdString(amount) : amount;
}

/** Used and held as a part of the limit. */
export function fullnessOf({ guardrail, used, held }: GuardrailView): number {
  return Number(used + held) / guardrail.limit;
}

/** An alert is nothing that could be lifted. */
function stateOf({ guardrail, trippedAt, isOn }: GuardrailView): "watching" | "tripped" | "lifted" {
  if (trippedAt === null) return "watching";
  return isOn || guardrail.action === "alert" ? "tripped" : "lifted";
}

export function guardrailJson(view: GuardrailView) {
  const { guardrail, window, used, held, trippedAt } = view;
  const { meter, period, limit, action } = guardrail;
  return {
    meter,
    period,
    limit: amountJson(guardrail, limit),
    action,
    used: amountJson(guardrail, used),
    held: amountJson(guardrail, held),
    ratio: fullnessOf(view),
    state: stateOf(view),
    tripped_at: trippedAt === null ? null : formatInstant(trippedAt),
    resets_at: formatInstant(window.end),
  };
}

/** From which part of a guardrail on it is shown as nearly reached. */
const NEAR = 0.8;

/** How a guardrail looks by how full it is. */
export function paintFullness(text: string, view: GuardrailView, style: Style): string {
  const fullness = fullnessOf(view);
  if (view.isOn || fullness >= 1) return style.bad(text);
  return fullness >= NEAR ? style.warn(text) : style.ok(text);
}

/** `$20.00 and $1.00 held of $25.00`. */
export function guardrailAmounts({ guardrail, used, held }: GuardrailView): string {
  const holding = held === 0n ? "" : ` and ${amountText(guardrail, held)} held`;
  return `${amountText(guardrail, used)}${holding} of ${amountText(guardrail, guardrail.limit)}`;
}

/** Whether it has tripped, for people; `zone` is that of the times, `null` for RFC 3339 in UTC. */
function stateText(view: GuardrailView, zone: string | null): string {
  const { guardrail, trippedAt } = view;
  if (trippedAt === null) return "watching";
  const at = zone === null ? formatInstant(trippedAt) : localTime(trippedAt, zone);
  if (guardrail.action === "alert") return `tripped ${at}`;
  return `tripped ${at}, ${view.isOn ? "on" : "lifted"}`;
}

const BAR_CELLS = 8;

/** @param zone in which instants are told; `null` off a terminal: RFC 3339 in UTC, and no bars */
export function guardrailsTable(
  guardrails: readonly GuardrailView[],
  zone: string | null,
): Table<GuardrailView> {
  const amount = (
    key: "used" | "held" | "limit",
    priority: number,
    of: (view: GuardrailView) => number | bigint,
  ) => ({
    key,
    header: key.toUpperCase(),
    priority,
    align: "right" as const,
    text: (view: GuardrailView) => amountText(view.guardrail, of(view)),
    value: (view: GuardrailView) => amountValue(view.guardrail, of(view)),
  });
  const drawn = {
    key: "bar",
    header: "",
    priority: 5,
    text: (view: GuardrailView) => bar(fullnessOf(view), BAR_CELLS),
    paint: paintFullness,
  };
  return {
    rows: guardrails,
    empty:
      "No guardrails: nothing limits what all testers together may use. Set one with: alpha guardrails set",
    columns: [
      { key: "guardrail", header: "GUARDRAIL", text: ({ guardrail }) => quotaName(guardrail) },
      amount("used", 1, ({ used }) => used),
      amount("held", 4, ({ held }) => held),
      amount("limit", 1, ({ guardrail }) => guardrail.limit),
      {
        key: "full",
        header: "FULL",
        align: "right",
        text: (view) => percent(fullnessOf(view)),
        paint: paintFullness,
        value: fullnessOf,
      },
      ...(zone === null ? [] : [drawn]),
      { key: "action", header: "THEN", text: ({ guardrail }) => guardrail.action },
      {
        key: "state",
        header: "STATE",
        priority: 2,
        text: (view) => stateText(view, zone),
        paint: (text, view, style) => (view.isOn ? style.bad(text) : text),
      },
      {
        key: "resets_at",
        header: "RESETS",
        priority: 3,
        text: ({ window }) => (zone === null ? formatInstant(window.end) : localTime(window.end, zone)),
        value: ({ window }) => formatInstant(window.end),
      },
    ],
    notes: [
      ...(guardrails.length === 0 || zone === null ? [] : [`Times are in ${zone}.`]),
      ...(guardrails.some(({ isOn }) => isOn)
        ? ["What has tripped stays on until it is lifted: alpha emergency-stop off"]
        : []),
    ],
  };
}

const CONSEQUENCE: Readonly<Record<GuardrailAction, string>> = {
  stop: "every call is stopped",
  throttle: "everybody is held to the emergency limits",
  alert: "an alert is written",
};

export function guardrailsSetJson({ changes }: GuardrailsSetView) {
  return changes.map(({ before, after, outcome }) => ({
    ...guardrailJson(after),
    outcome,
    before: before === null ? null : { limit: amountJson(before, before.limit), action: before.action },
  }));
}

interface Look {
  readonly dryRun: boolean;
  readonly style: Style;
  readonly width: number | null;
}

export function guardrailsSetText({ changes }: GuardrailsSetView, { dryRun, style, width }: Look): string {
  const lines = changes.flatMap(({ before, after, outcome }) => {
    const { guardrail, used, held } = after;
    const { limit, action, period } = guardrail;
    const head = outcome === "unchanged" ? "Already so:" : dryRun ? "Would set:" : "Set:";
    const was =
      outcome === "changed" && before !== null
        ? ` (before: ${amountText(before, before.limit)}, ${before.action})`
        : "";
    const taken = percent(fullnessOf(after));
    const said = [
      `${head} when all testers together reach ${limitPhrase(guardrail, limit)} a ${period}, ${CONSEQUENCE[action]}${was}.`,
      `Used and held ${period === "day" ? "today" : "this month"}: ${amountText(guardrail, used + held)}, ${taken} of it.`,
    ];
    return said
      .flatMap((sentence) => (width === null ? [sentence] : wrap(sentence, width)))
      .map((line) => (line.startsWith(head) ? style.ok(head) + line.slice(head.length) : line));
  });
  return `${lines.join("\n")}\n`;
}

function limitPhrase({ meter }: Metered, limit: number): string {
  return meter === "cost" ? formatUsd(limit) : plural(limit, "token");
}

/** Warns of what the next call will trip. */
export function spentSentences(guardrails: readonly GuardrailView[]): string[] {
  return guardrails
    .filter((each) => each.trippedAt === null && fullnessOf(each) >= 1)
    .map(
      ({ guardrail }) =>
        `${quotaName(guardrail)} is used up already: with the next call ${CONSEQUENCE[guardrail.action]}`,
    );
}

export function guardrailsClearedJson({ cleared, stops }: GuardrailsClearedView) {
  return {
    cleared: cleared.map((guardrail) => ({
      meter: guardrail.meter,
      period: guardrail.period,
      limit: amountJson(guardrail, guardrail.limit),
      action: guardrail.action,
    })),
    still_on: stops.map(({ id }) => id),
  };
}

/** `the guardrail cost/day ($25.00)`. */
export function guardrailsInWords(guardrails: readonly Guardrail[]): string {
  const names = guardrails.map((each) => `${quotaName(each)} (${amountText(each, each.limit)})`);
  return `the ${guardrails.length === 1 ? "guardrail" : "guardrails"} on ${list(names)}`;
}

export function guardrailsClearedText(
  { cleared }: GuardrailsClearedView,
  dryRun: boolean,
  style: Style,
): string {
  if (cleared.length === 0) return "There are no guardrails.\n";
  return `${style.ok(dryRun ? "Would end" : "Ended")} ${guardrailsInWords(cleared)}.\n`;
}

/** Warns of what guardrails have turned on and ending them has not lifted; `null`: nothing. */
export function stillOnSentence({ cleared, stops }: GuardrailsClearedView): string | null {
  if (cleared.length === 0 || stops.length === 0) return null;
  return `what a guardrail has turned on is on still (${list(stops.map(({ reason, action }) => reason ?? action))}); lift it with: alpha emergency-stop off`;
}
