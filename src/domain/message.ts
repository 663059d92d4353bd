import type { DecisionCode, QuotaState } from "./decide.js";
import type { Meter, Period } from "./meter.js";
import { formatUsd } from "./money.js";
import { type Instant, localTime } from "./window.js";

export interface MessageInput {
  readonly code: DecisionCode;
  readonly quota?: QuotaState;
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

/** Thousands separated by commas. Not with Intl: its first formatter costs more than a whole decision. */
function grouped(amount: number): string {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** An amount of a meter in words: `1,200 tokens`, `1 image`, `$4.20`. */
export function amountInWords(meter: Meter, amount: number): string {
  if (meter === "cost") return formatUsd(amount);
  return `${grouped(amount)} ${amount === 1 ? meter.slice(0, -1) : meter}`;
}

function whenBack(resetsAt: Instant | null, zone: string | undefined): string {
  return resetsAt === null
    ? ""
    : ` The limit starts anew at ${localTime(resetsAt, zone ?? "UTC")} (${zone ?? "UTC"}).`;
}

/** The sentence that a tester reads: what is left, and when more comes back. */
export function decisionMessage(input: MessageInput): string {
  const { code, quota, zone } = input;
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
    case "store-unavailable":
      return "Limits cannot be checked at the moment. Please try again shortly.";
    default:
      return `${granted(input)}${quota === undefined ? allowed(input) : quotaMessage(code, quota, zone)}`;
  }
}

function granted({ clampedTo, quota }: MessageInput): string {
  if (clampedTo === undefined || quota?.outcome === "block") return "";
  return `This call may use at most ${amountInWords("tokens", clampedTo)}. `;
}

function allowed({ ceiling, requested = 0 }: MessageInput): string {
  return ceiling === undefined
    ? "You may go ahead."
    : `This call asks for ${amountInWords("tokens", requested)}, but one call may use at most ${amountInWords("tokens", ceiling)}.`;
}

function quotaMessage(code: DecisionCode, quota: QuotaState, zone: string | undefined): string {
  const { meter, period, limit, used, held, requested, remaining, resetsAt } = quota;
  const { adjective, running } = PERIOD_WORDS[period];
  const what = meter === "cost" ? "budget" : meter;
  const all = meter === "cost" ? formatUsd(limit) : grouped(limit);
  const taken = meter === "cost" ? formatUsd(used + held) : grouped(used + held);
  const inFlight = held > 0 ? ", calls in progress included" : "";
  switch (code) {
    case "quota-disabled":
      return `Your plan includes no ${what}.`;
    case "quota-exhausted":
      return `Your ${adjective} ${what} ${meter === "cost" ? "is" : "are"} used up (${taken} of ${all}${inFlight}).${whenBack(resetsAt, zone)}`;
    case "emergency-limit":
      return `Calls are limited to ${amountInWords(meter, limit)} a ${period} for now, and ${taken} of that is used${inFlight}.${whenBack(resetsAt, zone)}`;
    case "request-too-large":
      return requested > limit
        ? `This call asks for ${amountInWords(meter, requested)}, more than your whole ${adjective} limit of ${all}.`
        : `This call asks for ${amountInWords(meter, requested)}, but only ${amountInWords(meter, remaining)} of your ${adjective} limit of ${all} ${meter === "cost" || remaining === 1 ? "is" : "are"} left.${whenBack(resetsAt, zone)}`;
    default: {
      const left = Math.max(0, remaining - requested);
      return `You have ${amountInWords(meter, left)} of ${all} left ${running} after this call.${whenBack(resetsAt, zone)}`;
    }
  }
}
