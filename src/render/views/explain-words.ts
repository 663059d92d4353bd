import type { Decision } from "../../domain/decide.js";
import type { Stop } from "../../domain/emergency.js";
import type { Override, UserStatus } from "../../domain/entitlement.js";
import type { ExplainedQuota, ExplainedStep, Explanation } from "../../domain/explain.js";
import type { Guardrail } from "../../domain/guardrail.js";
import { amountInWords } from "../../domain/message.js";
import { type Amounts, METERS, type Meter, noAmounts, type Period, quotaName } from "../../domain/meter.js";
import { formatUsd } from "../../domain/money.js";
import type { Tier } from "../../domain/tier.js";
import { formatDuration, formatInstant, type Instant, localTime, type Window } from "../../domain/window.js";
import { count, list, plural } from "../text.js";
import { callsInWords } from "./emergency.js";
import { amountText, limitText } from "./quotas.js";

/** What `engine/explain.ts` finds. */
export interface ExplainedView {
  readonly user: { readonly id: number; readonly key: string; readonly email: string | null };
  readonly at: Instant;
  readonly past: boolean;
  readonly timeZone: string;
  readonly tier: Tier;
  readonly status: UserStatus;
  readonly since: { readonly tier: Instant; readonly status: Instant };
  readonly windows: Readonly<Record<Period, Window>>;
  readonly forgiven: readonly {
    readonly period: Period;
    readonly meter: Meter;
    readonly amount: number;
    readonly at: Instant;
  }[];
  readonly refusals: {
    readonly tallies: readonly {
      readonly code: Decision["code"];
      readonly meter: Meter | "";
      readonly count: number;
    }[];
    readonly last: { readonly code: string; readonly meter: string; readonly at: Instant } | null;
    readonly complete: boolean;
  };
  readonly guardrails: readonly {
    readonly guardrail: Guardrail;
    readonly used: number;
    readonly held: number;
    readonly tripped: boolean;
  }[];
  readonly explanation: Explanation;
}

/** How instants are told. */
export type Moment = (at: Instant) => string;

/** On a terminal on the clocks of the accounting zone, which is named once; elsewhere RFC 3339. */
export function momentsOf(zone: string, width: number | null): Moment {
  return (at) => (width === null ? formatInstant(at) : localTime(at, zone));
}

export function nameOf({ user }: ExplainedView): string {
  return user.email ?? user.key;
}

/** A stop with the user of its scope, who is nobody else than the one explained. */
export function stopView(stop: Stop, view: ExplainedView) {
  return { ...stop, user: stop.scope.userId === view.user.id ? nameOf(view) : null };
}

/** What one step of the decision found, in a sentence without a full stop. */
export function stepInWords(step: ExplainedStep, view: ExplainedView, moment: Moment): string {
  return STEPS[step](view, moment);
}

const STEPS: Readonly<Record<ExplainedStep, (view: ExplainedView, moment: Moment) => string>> = {
  emergency: emergencyInWords,
  user: userInWords,
  feature: featureInWords,
  price: priceInWords,
  quotas: quotasInWords,
  call: callInWords,
};

function emergencyInWords(view: ExplainedView, moment: Moment): string {
  const { stop, stops, trips, decision } = view.explanation;
  if (stop !== null) return `${stopInWords(stop, view, moment)}${unsaidInWords(stop, view)}`;
  if (trips.length > 0) return list(trips.map(({ guardrail }) => tripInWords(guardrail)));
  const throttles = stops.filter((each) => each.action === "throttle");
  const isThrottled = decision.quotas.some((quota) => quota.source === "emergency");
  if (isThrottled) return throttles.map((each) => stopInWords(each, view, moment)).join("; ");
  return stops.length === 0
    ? "nothing is on"
    : `what is on does not cover this call: ${stops.map((each) => stopInWords(each, view, moment)).join("; ")}`;
}

function stopInWords(stop: Stop, view: ExplainedView, moment: Moment): string {
  const { action, actor, since, until, reason } = stop;
  const done = action === "stop" ? "stopped" : "throttled";
  const end = until === null ? "" : `, until ${moment(until)}`;
  const why = reason === null ? "" : `: ${reason}`;
  return `${callsInWords(stopView(stop, view))} ${done} by ${actor} since ${moment(since)}${end}${why}`;
}

/** A call that leaves out what a stop is limited to is covered by it. */
function unsaidInWords({ scope }: Stop, { explanation }: ExplainedView): string {
  const { ask } = explanation;
  const unsaid = (["provider", "model", "feature"] as const).filter(
    (part) => scope[part] !== undefined && ask[part] === "",
  );
  return unsaid.length === 0
    ? ""
    : `; this call does not say its ${list(unsaid, "or")}, and might be one of them`;
}

const ACTION_WORDS = {
  alert: "alert the operator",
  throttle: "throttle everybody",
  stop: "stop everything",
} as const;

function guardrailName({ meter, period }: Guardrail): string {
  return `${period === "day" ? "daily" : "monthly"} ${meter} of all testers`;
}

function tripInWords(guardrail: Guardrail): string {
  const { meter, limit, action } = guardrail;
  return `this call would take the ${guardrailName(guardrail)} beyond ${amountInWords(meter, limit)}, and ${ACTION_WORDS[action]}`;
}

function userInWords({ status, tier, since }: ExplainedView, moment: Moment): string {
  if (status === "removed") return `removed at ${moment(since.status)}`;
  const on = `on ${tier.key} (${tier.label}) since ${moment(since.tier)}`;
  return status === "active" ? `active, ${on}` : `suspended since ${moment(since.status)}, ${on}`;
}

function featureInWords({ explanation, tier }: ExplainedView): string {
  const { ask, featureBy, overrides } = explanation;
  const { feature } = ask;
  if (feature === "") return "none is named";
  if (featureBy === "tier") return `${feature}: ${tier.key} has it`;
  if (featureBy === "all") return `${feature}: every feature is allowed`;
  if (featureBy === null) return `${feature}: ${tier.key} does not have it`;
  const override = overrides.findLast((each) => each.kind === "feature" && each.feature === feature);
  const granted = override?.kind === "feature" && override.granted;
  return `${feature}: ${granted ? "granted" : "denied"} by an override`;
}

function priceInWords({ explanation }: ExplainedView): string {
  const { ask, costBasis } = explanation;
  const cost = formatUsd(ask.amounts.cost);
  const unknown = `no price of ${ask.model} is known`;
  if (ask.unpriced)
    return `${ask.model === "" ? "no model is named" : unknown}, and the setting unpriced says block`;
  switch (costBasis) {
    case "stated":
      return `${cost}, as stated`;
    case "own":
      return `${cost}, estimated at your own price`;
    case "book":
      return `${cost}, estimated at the model's dearest rate`;
    case "ignored":
      return `${cost}: ${unknown}, and the setting unpriced says ignore`;
    case "nothing":
      return "nothing is asked for that costs";
    case "planning":
      return `${cost} at the planning rates: ${ask.model === "" ? "no model is named" : unknown}`;
  }
}

function quotasInWords(view: ExplainedView, moment: Moment): string {
  const { binding, quotas } = view.explanation;
  if (binding !== null) return `${bindingInWords(binding)}${backInWords(binding, view, moment)}`;
  return quotas.length === 0 ? "nothing is limited" : "no quota is touched by this call";
}

function bindingInWords(quota: ExplainedQuota): string {
  const { meter, used, held, requested, limit, remaining, code, blockFrom, warnFrom } = quota;
  const name = quotaName(quota);
  const amount = (of: number) => amountText(meter, of);
  const taken = `${amount(used)} used${held === 0 ? "" : ` and ${amount(held)} held`} of ${amount(limit)}`;
  const asked = requested === 0 ? "" : `, ${amount(requested)} asked for`;
  const refused = `calls are refused from ${amount(blockFrom)} on`;
  switch (code) {
    case "quota-disabled":
      return `${name} is 0, which disables it`;
    case "quota-exhausted":
      return `${name} is used up: ${taken}; ${refused}`;
    case "emergency-limit":
      return `${name} while throttled: ${taken}${asked}`;
    case "request-too-large":
      return `${name}: ${amount(requested)} asked for, and ${amount(remaining)} left; ${taken}`;
    case "near-limit":
      return `${name}: ${taken}${asked}; warned from ${amount(warnFrom)} on, ${refused}`;
    default:
      return `${name} binds first: ${taken}${asked}; ${refused}`;
  }
}

/** When there is room again: at the end of the window, and sooner where it is calls in progress that take it. */
function backInWords(quota: ExplainedQuota, view: ExplainedView, moment: Moment): string {
  const { resetsAt, used, held, blockFrom } = quota;
  if (resetsAt === null) return `; no window brings it back${overrideEnd(quota, view, moment)}`;
  const wait = view.past ? "" : ` (in ${formatDuration(resetsAt - view.at)})`;
  const back = `; starts anew at ${moment(resetsAt)}${wait}`;
  const { holds } = view.explanation;
  if (held === 0 || used >= blockFrom || view.past || holds.length === 0) return back;
  const last = Math.max(...holds.map(({ expiresAt }) => expiresAt));
  return `${back}; what calls in progress hold is back by ${moment(last)}`;
}

/** Of a quota that an override has made 0, when that ends. */
function overrideEnd(quota: ExplainedQuota, { explanation }: ExplainedView, moment: Moment): string {
  const override = explanation.overrides.find(
    (each) => each.kind === "quota" && quotaName(each) === quotaName(quota),
  );
  if (quota.source !== "override" || override === undefined) return "";
  return override.until === null
    ? ", nor does its override end by itself"
    : `, but its override ends at ${moment(override.until)}`;
}

function callInWords({ explanation }: ExplainedView): string {
  const { ceiling, ask } = explanation;
  if (ceiling === null) return "one call may use any number of tokens";
  const most = `one call may use ${amountInWords("tokens", ceiling)} at most`;
  return ask.amounts.tokens > ceiling ? `${most}, and ${count(ask.amounts.tokens)} are asked for` : most;
}

/** What is asked for: `1,200 tokens, blog_writer`. */
export function askInWords({ explanation }: ExplainedView): string {
  const { amounts, statesAmounts, provider, model, feature } = explanation.ask;
  const stated = (["tokens", "images"] as const).filter((meter) => amounts[meter] > 0);
  const wanted = stated.map((meter) => amountInWords(meter, amounts[meter]));
  const what = [model, provider].find((name) => name !== "");
  return [
    wanted.length > 0
      ? list(wanted)
      : statesAmounts
        ? "no tokens and no images"
        : "a call that states no amounts",
    ...(what === undefined ? [] : [`to ${what}`]),
    ...(feature === "" ? [] : [`for ${feature}`]),
  ].join(" ");
}

/** Amounts that are not 0, as a sentence has them. */
function amountsInWords(amounts: Readonly<Amounts>): string {
  const some = METERS.filter((meter) => amounts[meter] !== 0);
  return some.length === 0 ? "nothing" : list(some.map((meter) => amountInWords(meter, amounts[meter])));
}

export function holdsInWords({ explanation, past }: ExplainedView, moment: Moment): string {
  const { holds } = explanation;
  if (holds.length === 0) return "nothing";
  const sum = { tokens: 0, images: 0, cost: 0, requests: 0 };
  for (const { amounts } of holds) for (const meter of METERS) sum[meter] += amounts[meter];
  const first = `${plural(holds.length, "call")} in progress: ${amountsInWords(sum)}`;
  if (past) return first;
  return `${first}; the last hold expires at ${moment(Math.max(...holds.map((each) => each.expiresAt)))}`;
}

export function refusalsInWords({ refusals, past }: ExplainedView, moment: Moment): string {
  const { tallies, last, complete } = refusals;
  const all = tallies.reduce((sum, each) => sum + each.count, 0);
  const least = complete ? "" : "at least ";
  const when = past ? "that day by then" : "today";
  if (all === 0) return complete ? "never" : "not known: refusals of that day were only counted";
  const kinds = tallies.map(
    ({ code, meter, count: n }) => `${count(n)} ${code}${meter === "" ? "" : ` (${meter})`}`,
  );
  const latest = last === null ? "" : `; the last at ${moment(last.at)}`;
  return `${least}${all === 1 ? "once" : `${count(all)} times`} ${when}: ${kinds.join(", ")}${latest}`;
}

export function overrideAddition(override: Override, tier: Tier): string {
  if (override.kind !== "quota") return "";
  const own = tier.quotas.find((quota) => quotaName(quota) === quotaName(override));
  return `, instead of ${limitText(override.meter, own?.limit ?? null)}`;
}

/** What was forgiven together in one line: `1,000 tokens and 4 requests of the day, at …`. */
export function forgivenInWords({ forgiven }: ExplainedView, moment: Moment): string[] {
  const together = new Map<
    string,
    { readonly period: Period; readonly at: Instant; readonly amounts: Amounts }
  >();
  for (const { meter, amount, period, at } of forgiven) {
    const key = `${period} ${at}`;
    const known = together.get(key) ?? { period, at, amounts: noAmounts() };
    known.amounts[meter] += amount;
    together.set(key, known);
  }
  return [...together.values()].map(
    ({ period, at, amounts }) => `${amountsInWords(amounts)} of the ${period}, at ${moment(at)}`,
  );
}

export function windowInWords({ start, end, period }: Window, moment: Moment): string {
  const hours = (end - start) / 3_600_000;
  const odd = period === "day" && hours !== 24 ? ` (${hours} hours)` : "";
  return `${moment(start)} to ${moment(end)}${odd}`;
}

export function guardrailInWords({
  guardrail,
  used,
  held,
  tripped,
}: ExplainedView["guardrails"][number]): string {
  const { meter, limit, action } = guardrail;
  const inFlight = held === 0 ? "" : ` and ${amountText(meter, held)} held`;
  const then = tripped ? "it has tripped in this window" : `then ${ACTION_WORDS[action]}`;
  return `${guardrailName(guardrail)}: ${amountText(meter, used)} used${inFlight} of ${amountText(meter, limit)}; ${then}`;
}

/** What has to be known about a past that is not known altogether. */
export function notesOf({ past, refusals }: ExplainedView): string[] {
  if (!past) return [];
  return [
    "Told from what was in force then and from what had been recorded by then.",
    "Calls in progress then are known as far as they were settled since or still are: what was released, or never settled, left no trace.",
    ...(refusals.complete
      ? []
      : ["Refusals are kept one by one up to 1,000 a day: there may have been more by then."]),
  ];
}
