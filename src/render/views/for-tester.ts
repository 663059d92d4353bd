import type { Decision, QuotaState } from "../../domain/decide.js";
import type { Override } from "../../domain/entitlement.js";
import { bareAmount } from "../../domain/message.js";
import { type Period, type Quota, quotaName } from "../../domain/meter.js";
import { ALL_FEATURES, type Tier } from "../../domain/tier.js";
import type { User } from "../../domain/user.js";
import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import { list } from "../text.js";
import { inOrder, limitPhrase, quotaStateJson } from "./quotas.js";

export interface ForTesterView {
  readonly user: User;
  readonly tier: Tier;
  readonly decision: Decision;
  readonly overrides: readonly Override[];
  readonly features: readonly string[];
  readonly deniedFeatures: readonly string[];
  readonly timeZone: string;
}

/** The text to send to a tester: what they may use, what is left of it, and when it comes back. No ids, no colours. */
export function forTesterText(view: ForTesterView): string {
  const { user, tier, decision, timeZone } = view;
  const name = user.name === null ? "" : ` ${sanitize(user.name)}`;
  const paragraphs = [`Hello${name},`];
  if (decision.code === "emergency-stop" || decision.code === "user-suspended") {
    paragraphs.push(decision.message);
  }
  const quotas = inOrder(decision.quotas);
  const on = `you are on ${sanitize(tier.label)}.`;
  const lines = inOrder([
    ...quotas.map((quota) => ({ ...quota, line: lineOf(quota, view) })),
    ...unlimitedOf(view).map((quota) => ({ ...quota, line: unlimitedLine(quota, view) })),
  ]).map(({ line }) => `- ${line}`);
  paragraphs.push(
    lines.length === 0
      ? `${on} Nothing that you use is limited.`
      : `${on} This is what you may use, and what is left of it:\n\n${lines.join("\n")}`,
  );
  const back = startsAnew(quotas, timeZone);
  if (back !== "") paragraphs.push(back);
  paragraphs.push(featuresSentence(view));
  return `${paragraphs.join("\n\n")}\n`;
}

function lineOf(quota: QuotaState, { overrides, timeZone }: ForTesterView): string {
  const { meter, period, limit, used, held, remaining, source } = quota;
  const what = meter === "cost" && limit > 0 ? `a budget of ${limitPhrase(quota)}` : limitPhrase(quota);
  const ends = source === "override" ? endsIn(untilOf(quota, overrides), timeZone) : "";
  const now = source === "emergency" ? " for now" : "";
  if (limit === 0) return meter === "cost" ? `no budget${ends}${now}` : `${what}${ends}${now}`;
  const running = period === "day" ? "today" : "this month";
  const taken = used + held;
  const left =
    remaining > 0
      ? `${taken === 0 ? "all" : bareAmount(meter, remaining)} left ${running}`
      : `used up ${running} (${bareAmount(meter, taken)} of ${bareAmount(meter, limit)})`;
  return `${what}${ends}${now}: ${left}`;
}

/** What the tier limits and an override does not, for now or for good. */
function unlimitedOf({ tier, decision, overrides }: ForTesterView) {
  const has = (quotas: readonly Quota[], wanted: Pick<Quota, "meter" | "period">) =>
    quotas.some((quota) => quotaName(quota) === quotaName(wanted));
  return overrides
    .filter((each) => each.kind === "quota")
    .filter((each) => each.limit === null && has(tier.quotas, each) && !has(decision.quotas, each));
}

function unlimitedLine(
  { meter, period, until }: ReturnType<typeof unlimitedOf>[number],
  { timeZone }: ForTesterView,
): string {
  const what = meter === "cost" ? "an unlimited budget" : `unlimited ${meter}`;
  return `${what} a ${period}${endsIn(until, timeZone)}`;
}

function endsIn(until: Instant | null, zone: string): string {
  return until === null ? "" : ` until ${localTime(until, zone)} (${zone})`;
}

function untilOf(quota: QuotaState, overrides: readonly Override[]): Instant | null {
  const found = overrides.find((each) => each.kind === "quota" && quotaName(each) === quotaName(quota));
  return found?.until ?? null;
}

function startsAnew(quotas: readonly QuotaState[], zone: string): string {
  const startOf = (period: Period) =>
    quotas.find((quota) => quota.period === period && quota.resetsAt !== null)?.resetsAt ?? null;
  const [day, month] = [startOf("day"), startOf("month")];
  const at = (start: Instant) => `at ${localTime(start, zone)}`;
  if (day === null) return month === null ? "" : `The monthly limits start anew ${at(month)} (${zone}).`;
  const monthly = month === null ? "" : `, the monthly ones ${at(month)}`;
  return `The daily limits start anew ${at(day)}${monthly} (${zone}).`;
}

function featuresSentence({ features, deniedFeatures }: ForTesterView): string {
  const but = deniedFeatures.length === 0 ? "" : `, but not ${list(deniedFeatures, "or")}`;
  if (features.includes(ALL_FEATURES)) return `You may use every feature${but}.`;
  return features.length === 0
    ? "No features are open to you."
    : `Features that are open to you: ${list(features)}.`;
}

export function forTesterJson(view: ForTesterView) {
  const { user, tier, decision, features, deniedFeatures, timeZone } = view;
  return {
    id: user.key,
    email: user.email,
    text: forTesterText(view),
    tier: tier.key,
    tier_label: tier.label,
    outcome: decision.outcome,
    code: decision.code,
    quotas: inOrder(decision.quotas).map(quotaStateJson),
    unlimited: inOrder(unlimitedOf(view)).map(({ meter, period, until }) => ({
      meter,
      period,
      until: until === null ? null : formatInstant(until),
    })),
    resets_at: decision.resetsAt === null ? null : formatInstant(decision.resetsAt),
    features,
    denied_features: deniedFeatures,
    time_zone: timeZone,
  };
}
