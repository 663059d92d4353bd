import { calendar, type Instant } from "../domain/window.js";
import type { GuardrailStanding } from "./guardrails.js";
import type { SystemStatus } from "./status.js";

/** Why not all is well. The figures are elsewhere in the status. */
export interface Concern {
  readonly severity: "bad" | "warning";
  readonly code: ConcernCode;
  /** The guardrail that it is about. */
  readonly guardrail?: GuardrailStanding;
  /** When a guardrail is reached at the pace of the last hour. */
  readonly reachedAt?: Instant;
}

export type ConcernCode =
  /** Calls are stopped, all or some. */
  | "stopped"
  | "throttled"
  /** A guardrail has tripped in its window and what it turned on was lifted: until the window ends it watches no more. */
  | "guardrail-lifted"
  /** An alerting guardrail has tripped, or any is used up without a call having found out. */
  | "guardrail-reached"
  | "guardrail-near"
  | "guardrail-pace"
  /** Nothing limits what all testers together may cost. */
  | "no-budget"
  | "testers-blocked"
  | "unpriced"
  /** Calls were reserved and never settled. */
  | "holds-expired"
  | "reset-overdue";

const HOUR = 60 * 60_000;
/** A guardrail is near when it is so full. */
const NEAR = 0.8;
/** Of a few calls that crashed nobody needs to hear. */
const HOLDS_TO_TELL = 3;
/** Cron may be late by this much without anybody having to look. */
const RESET_LATE = 2 * HOUR;

type Facts = Omit<SystemStatus, "concerns">;

/** What an operator should look at, the worst first. */
export function concernsOf(facts: Facts): Concern[] {
  const { stops, guardrails, users, unpriced, held } = facts;
  const concerns: (Concern | false)[] = [
    stops.some(({ action }) => action === "stop") && { severity: "bad", code: "stopped" },
    stops.some(({ action }) => action === "throttle") && { severity: "bad", code: "throttled" },
    ...guardrails.flatMap((guardrail) => ofGuardrail(guardrail, facts)),
    !guardrails.some(({ guardrail }) => guardrail.meter === "cost") && {
      severity: "warning",
      code: "no-budget",
    },
    users.some(({ state, user }) => state === "blocked" && user.status === "active") && {
      severity: "warning",
      code: "testers-blocked",
    },
    unpriced.length > 0 && { severity: "warning", code: "unpriced" },
    held.expired >= HOLDS_TO_TELL && { severity: "warning", code: "holds-expired" },
    isResetOverdue(facts) && { severity: "warning", code: "reset-overdue" },
  ];
  return concerns
    .filter((concern) => concern !== false)
    .sort((a, b) => Number(b.severity === "bad") - Number(a.severity === "bad"));
}

function ofGuardrail(standing: GuardrailStanding, facts: Facts): Concern[] {
  const { guardrail, used, held, trippedAt, isOn } = standing;
  // What it has turned on is told as a stop.
  if (isOn) return [];
  if (trippedAt !== null && guardrail.action !== "alert") {
    return [{ severity: "warning", code: "guardrail-lifted", guardrail: standing }];
  }
  const fullness = Number(used + held) / guardrail.limit;
  if (trippedAt !== null || fullness >= 1) {
    return [{ severity: "bad", code: "guardrail-reached", guardrail: standing }];
  }
  if (fullness >= NEAR) return [{ severity: "warning", code: "guardrail-near", guardrail: standing }];
  const reachedAt = reachedAtPace(standing, facts);
  return reachedAt === null
    ? []
    : [{ severity: "warning", code: "guardrail-pace", guardrail: standing, reachedAt }];
}

/** When a daily guardrail is reached if it goes on as in the last hour; `null`: not before the day ends. */
function reachedAtPace(
  { guardrail, window, used, held }: GuardrailStanding,
  { at, spending: { hour } }: Facts,
): Instant | null {
  if (guardrail.period !== "day") return null;
  const pace = guardrail.meter === "cost" ? Number(hour.cost + hour.assumed) : hour.tokens;
  if (pace <= 0) return null;
  const reachedAt = at + ((guardrail.limit - Number(used + held)) / pace) * HOUR;
  return reachedAt < window.end ? Math.round(reachedAt) : null;
}

/** Whether cron should have closed days by now that are over. */
export function isResetOverdue({
  daysToClose,
  timeZone,
  at,
}: Pick<Facts, "daysToClose" | "timeZone" | "at">): boolean {
  const late = at - calendar(timeZone).windowAt("day", at).start;
  return daysToClose > 1 || (daysToClose === 1 && late > RESET_LATE);
}
