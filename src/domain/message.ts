import type { DecisionCode, QuotaState } from "./decide.js";
import type { Meter, Period } from "./meter.js";
import { formatUsd } from "./money.js";
import { type Instant, localTime } from "./window.js";

export interface MessageInput {
  readonly code: DecisionCode;
  readonly feature?: string;
  readonly tierLabel?: string;
  readonly resetsAt?: Instant | null;
  /** The time zone in which instants are told. */
  readonly zone?: string | undefined;
  /** Tokens that one call may use, where the request asks for more. */
  readonly ceiling?: number;
  readonly requested?: number;
  /** Tokens granted, where fewer than the request's `maxTokens`. */
  readonly clampedTo?: number | undefined;
}

const PERIOD_WORDS: Readonly<Record<Period, { adjective: string; running: string }>> = {
  day: { adjective: "daily", running: "today" },
  month: { adjective: "monthly", running: "this month" },
};

const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => `,${String(n).padStart(3, "0")}`);

/** Thousands separated by commas. Neither by Intl nor by a pattern: either costs more than a whole decision. */
function grouped(amount: number): string {
  let rest = amount;
  let groups = "";
  while (rest >= 1000) {
    const thousands = Math.floor(rest / 1000);
    groups = THREE_DIGITS[rest - thousands * 1000] + groups;
    rest = thousands;
  }
  return rest + groups;
}

/** An amount of a meter in words: `1,200 tokens`, `1 image`, `$4.20`. */
export function amountInWords(meter: Meter, amount: number): string {
  if (meter === "cost") return formatUsd(amount);
  return `${grouped(amount)} ${amount === 1 ? meter.slice(0, -1) : meter}`;
}

let lastReset: Instant | null = null;
let lastZone: string | undefined;
let lastWhenBack = "";

function whenBack(resetsAt: Instant | null, zone = "UTC"): string {
  if (resetsAt === null) return "";
  // Nearly every decision is about the running day.
  if (resetsAt !== lastReset || zone !== lastZone) {
    lastWhenBack = ` The limit starts anew at ${localTime(resetsAt, zone)} (${zone}).`;
    lastReset = resetsAt;
    lastZone = zone;
  }
  return lastWhenBack;
}

/** The sentence that a tester reads: what is left, and when more comes back. */
export function decisionMessage(input: MessageInput): string {
  const { code, zone } = input;
  switch (code) {
    case "emergency-stop":
      return input.resetsAt == null
        ? "All calls are stopped for now. Please try again later."
        : `All calls are stopped until ${localTime(input.resetsAt, zone ?? "UTC")} (${zone ?? "UTC"}).`;
    case "user-unknown":
      return "This account is not part of the alpha.";
    case "user-suspended":
      return "This account is suspended. Please write to us to have it resumed.";
    case "feature-not-in-tier":
      return `The feature ${input.feature} is not part of ${input.tierLabel}.`;
    case "unpriced":
      return "This model cannot be used at the moment: its price is not known.";
    case "already-settled":
      return "This call was made before, and has been counted.";
    case "store-unavailable":
      return "Limits cannot be checked at the moment. Please try again shortly.";
    default:
      return granted(input.clampedTo) + allowed(input);
  }
}

/** The same where a quota decided. */
export function boundMessage(
  quota: QuotaState,
  zone: string | undefined,
  clampedTo: number | undefined,
): string {
  const sentence = quotaMessage(quota, zone);
  return quota.outcome === "block" ? sentence : granted(clampedTo) + sentence;
}

function granted(clampedTo: number | undefined): string {
  return clampedTo === undefined ? "" : `This call may use at most ${amountInWords("tokens", clampedTo)}. `;
}

function allowed({ ceiling, requested = 0 }: MessageInput): string {
  return ceiling === undefined
    ? "You may go ahead."
    : `This call asks for ${amountInWords("tokens", requested)}, but one call may use at most ${amountInWords("tokens", ceiling)}.`;
}

function quotaMessage(quota: QuotaState, zone: string | undefined): string {
  const { code, meter, period, limit, used, held, requested, remaining, resetsAt } = quota;
  const { adjective, running } = PERIOD_WORDS[period];
  const what = meter === "cost" ? "budget" : meter;
  const all = bareAmount(meter, limit);
  const back = whenBack(resetsAt, zone);
  const inFlight = held > 0 ? ", calls in progress included" : "";
  switch (code) {
    case "quota-disabled":
      return `Your plan includes no ${what}.`;
    case "quota-exhausted":
      return `Your ${adjective} ${what} ${meter === "cost" ? "is" : "are"} used up (${bareAmount(meter, used + held)} of ${all}${inFlight}).${back}`;
    case "emergency-limit":
      return `Calls are limited to ${amountInWords(meter, limit)} a ${period} for now, and ${bareAmount(meter, used + held)} of that is used${inFlight}.${back}`;
    case "request-too-large":
      return requested > limit
        ? `This call asks for ${amountInWords(meter, requested)}, more than your whole ${adjective} limit of ${all}.`
        : `This call asks for ${amountInWords(meter, requested)}, but only ${amountInWords(meter, remaining)} of your ${adjective} limit of ${all} ${meter === "cost" || remaining === 1 ? "is" : "are"} left.${back}`;
    default:
      return `You have ${amountInWords(meter, Math.max(0, remaining - requested))} of ${all} left ${running} after this call.${back}`;
  }
}

/** An amount without the name of its meter. */
export function bareAmount(meter: Meter, amount: number): string {
  return meter === "cost" ? formatUsd(amount) : grouped(amount);
}
