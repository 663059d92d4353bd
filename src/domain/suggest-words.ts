import { amountInWords } from "./message.js";
import type { Quota } from "./meter.js";
import type { Suggestion, SuggestReason } from "./suggest.js";

/** Why a move is suggested, as a sentence without a full stop: for a table, and for the audit when it is applied. */
export function suggestionInWords({ reasons, from, to }: Suggestion): string {
  return reasons.map((reason) => reasonInWords(reason, from.key, to.key)).join("; ");
}

function reasonInWords(reason: SuggestReason, from: string, to: string): string {
  switch (reason.kind) {
    case "limit-in-the-way": {
      const { quota, days, ofDays, refused } = reason;
      const calls = refused === 0 ? "" : ` (${refused === 1 ? "1 call" : `${refused} calls`} refused)`;
      return `the limit of ${limitOf(quota)} was in the way on ${days} of ${daysInWords(ofDays)}${calls}`;
    }
    case "month-used-up":
      return `the limit of ${limitOf(reason.quota)} is used up, with ${daysInWords(reason.daysLeft)} of the month left`;
    case "feature-refused": {
      const { feature, calls, days } = reason;
      const times = calls === 1 ? "once" : `${calls} times`;
      return `asked for ${feature} ${times} on ${daysInWords(days)}, which ${from} has not`;
    }
    case "unused":
      return `no calls in ${daysInWords(reason.ofDays)}`;
    case "room-below": {
      const { quota, most, ofDays } = reason;
      if (quota === null) return `${to} does not limit what they use`;
      const { meter, period } = quota;
      const used = `${amountInWords(meter, most)} a ${period}`;
      const when = period === "day" ? `in ${daysInWords(ofDays)}` : "at this pace";
      return `used at most ${used} ${when}, and ${to} allows ${limitOf(quota)}`;
    }
  }
}

function limitOf({ meter, limit, period }: Quota): string {
  return `${amountInWords(meter, limit)} a ${period}`;
}

function daysInWords(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
