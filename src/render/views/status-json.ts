import { moneyJson } from "../../domain/money.js";
import type { Sums } from "../../domain/report.js";
import { totalTokens } from "../../domain/usage.js";
import { dayLabel, formatInstant, type Instant } from "../../domain/window.js";
import { stopJson } from "./emergency.js";
import { guardrailJson } from "./guardrails.js";
import { quotaStateJson } from "./quotas.js";
import { concernSentences } from "./status-concerns.js";
import { blockedUsers, type RecentUseView, type StatusUserView, type StatusView } from "./status-view.js";

function sumsJson(sums: Sums) {
  return {
    requests: sums.requests,
    tokens: totalTokens(sums),
    images: sums.images,
    cost: moneyJson(sums.cost),
    assumed_cost: moneyJson(sums.assumed),
    unpriced: sums.unpriced,
  };
}

function recentJson({ requests, tokens, images, cost, assumed, complete }: RecentUseView) {
  return {
    requests,
    tokens,
    images,
    cost: moneyJson(cost),
    assumed_cost: moneyJson(assumed),
    complete,
  };
}

function userJson({ user, quotas, fullest, state, sums }: StatusUserView) {
  return {
    user: user.key,
    email: user.email,
    tier: user.tier,
    status: user.status,
    state,
    today: sumsJson(sums),
    fullest: fullest === null ? null : quotaStateJson(fullest),
    quotas: quotas.map(quotaStateJson),
  };
}

/** Everything, also what a screen has no room for: all testers who used something today or are near a limit. */
export function statusJson(status: StatusView) {
  const { spending, users, held, lastEvent, lastReset } = status;
  const { tokens, images, requests, cost } = held.amounts;
  return {
    at: formatInstant(status.at),
    time_zone: status.timeZone,
    all_well: status.concerns.length === 0,
    concerns: status.concerns.flatMap((concern) =>
      concernSentences(concern, status, null).map((message) => ({
        severity: concern.severity,
        code: concern.code,
        message,
      })),
    ),
    stops: status.stops.map(stopJson),
    guardrails: status.guardrails.map(guardrailJson),
    spending: {
      last_hour: recentJson(spending.hour),
      today: sumsJson(spending.today),
      yesterday: sumsJson(spending.yesterday),
      yesterdays_hourly_cost: moneyJson(spending.yesterdaysHour),
      month: sumsJson(spending.month),
    },
    testers: {
      ...status.testers,
      blocked: blockedUsers(status).length,
      near: users.filter(({ state }) => state === "near").length,
    },
    users: users.map(userJson),
    refusals: status.refusals,
    unpriced: status.unpriced.map(({ provider, model, events, assumed }) => ({
      provider,
      model,
      events,
      assumed_cost: moneyJson(assumed),
    })),
    holds: { live: held.live, tokens, images, requests, cost: moneyJson(cost), expired: held.expired },
    new_alerts: status.newAlerts,
    last_event:
      lastEvent === null
        ? null
        : {
            user: lastEvent.user,
            email: lastEvent.email,
            provider: lastEvent.provider,
            model: lastEvent.model,
            feature: lastEvent.feature,
            occurred_at: formatInstant(lastEvent.occurredAt),
            recorded_at: formatInstant(lastEvent.recordedAt),
            live: lastEvent.live,
          },
    last_live_use: instantJson(status.lastLiveUse),
    last_reset:
      lastReset === null
        ? null
        : { day: dayLabel(lastReset.day), ran_at: formatInstant(lastReset.ranAt), actor: lastReset.actor },
    days_to_close: status.daysToClose,
    size_bytes: status.size,
  };
}

function instantJson(at: Instant | null): string | null {
  return at === null ? null : formatInstant(at);
}
