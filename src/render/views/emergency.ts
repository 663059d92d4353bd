import { shellWord } from "../../domain/crontab.js";
import type { Stop } from "../../domain/emergency.js";
import { formatUsd } from "../../domain/money.js";
import type { Settings } from "../../domain/settings.js";
import { formatDuration, formatInstant, type Instant, localTime } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import type { Table } from "../table.js";
import { count, list, plural, wrap } from "../text.js";

interface StopView extends Stop {
  readonly user: string | null;
}

interface StartedView {
  readonly stop: StopView;
  readonly outcome: "on" | "extended" | "already-on";
  readonly testers: number;
  readonly products: number;
  readonly lastLiveUse: Instant | null;
  readonly unseen: readonly string[];
}

/** Each part of a scope by the name of its flag; `null` where the stop is not limited by it. */
function scopeJson({ scope, user }: StopView) {
  const { userId, tier = null, provider = null, model = null, feature = null } = scope;
  return { user: userId === undefined ? null : (user ?? `#${userId}`), tier, provider, model, feature };
}

export function stopJson(stop: StopView) {
  return {
    id: stop.id,
    action: stop.action,
    scope: scopeJson(stop),
    reason: stop.reason,
    actor: stop.actor,
    since: formatInstant(stop.since),
    until: stop.until === null ? null : formatInstant(stop.until),
  };
}

export function startedJson({ stop, outcome, testers, products, lastLiveUse, unseen }: StartedView) {
  return {
    stop: stopJson(stop),
    outcome: outcome.replace("-", "_"),
    testers,
    products,
    last_live_use: lastLiveUse === null ? null : formatInstant(lastLiveUse),
    never_metered: unseen,
  };
}

/** Which calls a scope covers: `calls of ada@example.com to google`. */
export function callsInWords(stop: StopView): string {
  const { user, tier, provider, model, feature } = scopeJson(stop);
  const whose =
    user !== null
      ? `calls of ${user}${tier === null ? "" : ` while on ${tier}`}`
      : tier !== null
        ? `calls of everybody on ${tier}`
        : [provider, model, feature].every((part) => part === null)
          ? "all calls"
          : "calls";
  const target =
    model === null
      ? provider === null
        ? ""
        : ` to ${provider}`
      : ` to ${model}${provider === null ? "" : ` of ${provider}`}`;
  return `${whose}${target}${feature === null ? "" : ` for ${feature}`}`;
}

function untilInWords(stop: StopView, zone: string): string {
  return stop.until === null ? "until it is lifted" : `until ${localTime(stop.until, zone)} (${zone})`;
}

function nameless(stop: StopView): string | null {
  const { provider, model, feature } = scopeJson(stop);
  const named = Object.entries({ provider, model, feature }).flatMap(([key, value]) =>
    value === null ? [] : [key],
  );
  return named.length === 0
    ? null
    : `A call that does not say its ${list(named, "or")} is covered too: it might be one of them.`;
}

function offCommand(stop: StopView): string {
  const flags = Object.entries(scopeJson(stop)).flatMap(([flag, value]) =>
    value === null ? [] : [`--${flag}`, shellWord(value)],
  );
  return ["alpha emergency-stop off", ...flags].join(" ");
}

/** What `emergency-stop on` did. */
export function startedText(
  view: StartedView & { readonly settings: Settings; readonly now: Instant; readonly dryRun: boolean },
  { style, width }: Look,
): string {
  const { stop, outcome, settings, testers, lastLiveUse, now, dryRun } = view;
  const zone = settings.time_zone;
  const what = `${sanitize(callsInWords(stop))}, ${untilInWords(stop, zone)}`;
  const lines = led(headOf(stop, outcome, dryRun), what, style.bad, width);
  const say = (text: string) => lines.push(...fitted(text, width));
  if (outcome === "already-on") {
    say(
      `By ${sanitize(stop.actor)} since ${localTime(stop.since, zone)} ${zone}${because(stop)}. Nothing was changed.`,
    );
  }
  if (stop.action === "throttle") {
    say(
      `Each tester may use ${count(settings.emergency_tokens)} tokens and ${formatUsd(settings.emergency_cost)} a day at most.`,
    );
  }
  say(`That concerns ${plural(testers, "tester")}.`);
  const also = nameless(stop);
  if (also !== null) say(also);
  if (lastLiveUse !== null) {
    const ago = formatDuration(Math.max(1_000, now - lastLiveUse));
    say(`The last live call was ${ago} ago, at ${localTime(lastLiveUse, zone)} (${zone}).`);
  }
  // Not wrapped: it is there to be copied.
  lines.push(`Lift it with: ${style.code(sanitize(offCommand(stop)))}`);
  return `${lines.join("\n")}\n`;
}

interface Look {
  readonly style: Style;
  /** Columns of the terminal; `null` off a terminal, where nothing is wrapped. */
  readonly width: number | null;
}

function fitted(text: string, width: number | null): string[] {
  return width === null ? [text] : wrap(text, width);
}

/** A sentence that is led by a word in colour. */
function led(head: string, text: string, paint: (head: string) => string, width: number | null): string[] {
  return fitted(`${head} ${text}`, width).map((line, index) =>
    index === 0 && line.startsWith(head) ? paint(head) + line.slice(head.length) : line,
  );
}

function headOf({ action }: StopView, outcome: StartedView["outcome"], dryRun: boolean): string {
  const done = action === "stop" ? "stopped" : "throttled";
  if (outcome === "already-on") return `Already ${done}:`;
  const longer = outcome === "extended" ? " for longer" : "";
  if (dryRun) return `Would ${action}${longer}:`;
  return `${action === "stop" ? "Stopped" : "Throttled"}${longer}:`;
}

function because({ reason }: StopView): string {
  return reason === null ? "" : `: ${sanitize(reason)}`;
}

/** What `emergency-stop off` did. */
export function liftedText(
  view: {
    readonly lifted: readonly StopView[];
    readonly still: readonly StopView[];
    readonly zone: string;
    readonly dryRun: boolean;
  },
  { style, width }: Look,
): string {
  const { lifted, still, zone, dryRun } = view;
  if (lifted.length === 0) return "Nothing was on.\n";
  const line = (stop: StopView) =>
    `${sanitize(callsInWords(stop))} (${stop.action === "stop" ? "stopped" : "throttled"} by ${sanitize(stop.actor)} since ${localTime(stop.since, zone)} ${zone}${because(stop)})`;
  const head = dryRun ? "Would lift:" : "Lifted:";
  const lines = [
    ...lifted.flatMap((stop) => led(head, line(stop), style.ok, width)),
    ...still.flatMap((stop) => led("Still on:", line(stop), style.bad, width)),
  ];
  return `${lines.join("\n")}\n`;
}

/** @param zone in which instants are told; `null` tells them in RFC 3339 UTC */
export function stopsTable(stops: readonly StopView[], zone: string | null): Table<StopView> {
  const moment = (at: Instant) => (zone === null ? formatInstant(at) : localTime(at, zone));
  return {
    rows: stops,
    empty: "Nothing is stopped or throttled.",
    columns: [
      {
        key: "action",
        header: "ON",
        text: (stop) => stop.action,
        paint: (text, stop, style) => (stop.action === "stop" ? style.bad(text) : style.warn(text)),
      },
      // Never shortened: what is stopped has to be read to its end.
      { key: "covers", header: "COVERS", text: callsInWords },
      {
        key: "since",
        header: "SINCE",
        priority: 2,
        text: (stop) => moment(stop.since),
        value: (stop) => formatInstant(stop.since),
      },
      {
        key: "until",
        header: "UNTIL",
        text: (stop) => (stop.until === null ? "lifted" : moment(stop.until)),
        value: (stop) => (stop.until === null ? null : formatInstant(stop.until)),
      },
      { key: "actor", header: "BY", priority: 3, truncate: true, text: (stop) => stop.actor },
      {
        key: "reason",
        header: "REASON",
        priority: 4,
        truncate: true,
        text: (stop) => stop.reason ?? "-",
        value: (stop) => stop.reason,
      },
    ],
    notes: [
      ...(stops.length === 0 || zone === null ? [] : [`Times are in ${zone}.`]),
      ...(stops.length === 0 ? [] : ["Lift everything with: alpha emergency-stop off"]),
    ],
  };
}
