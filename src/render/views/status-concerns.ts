import { quotaName } from "../../domain/meter.js";
import { formatUsd } from "../../domain/money.js";
import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import { count, list, plural } from "../text.js";
import { callsInWords } from "./emergency.js";
import { type GuardrailView, guardrailAmounts } from "./guardrails.js";
import { blockedUsers, type ConcernView, nameOf, type StatusView } from "./status-view.js";

/** How many things of a kind are named one by one. */
const MOST_NAMED = 3;

/**
 * What a concern is about, in sentences without a full stop: one, or one for each stop.
 * @param local the zone in which times are told to people; `null`: RFC 3339 in UTC
 */
export function concernSentences(concern: ConcernView, status: StatusView, local: string | null): string[] {
  const { code, guardrail, reachedAt } = concern;
  const time = (at: Instant) => (local === null ? formatInstant(at) : localTime(at, local));
  const quota = guardrail === undefined ? "" : quotaName(guardrail.guardrail);
  switch (code) {
    case "stopped":
      return stopSentences(status, "stop", time);
    case "throttled":
      return stopSentences(status, "throttle", time);
    case "guardrail-lifted": {
      const { trippedAt, window } = guardrail as GuardrailView;
      return [
        `The guardrail on ${quota} tripped at ${time(trippedAt ?? 0)} and was lifted: it stays so until ${time(window.end)}`,
      ];
    }
    case "guardrail-reached":
      return [`The guardrail on ${quota} is reached: ${guardrailAmounts(guardrail as GuardrailView)}`];
    case "guardrail-near":
      return [`The guardrail on ${quota} is near: ${guardrailAmounts(guardrail as GuardrailView)}`];
    case "guardrail-pace":
      return [`At the pace of the last hour the guardrail on ${quota} is reached at ${time(reachedAt ?? 0)}`];
    case "no-budget":
      return [
        "Nothing limits what all testers together may cost; set a limit with: alpha guardrails set --daily-cost 25",
      ];
    case "testers-blocked": {
      const names = blockedUsers(status).map(nameOf);
      return [
        `${names.length === 1 ? "A tester is" : `${count(names.length)} testers are`} blocked by a limit: ${someOf(names)}`,
      ];
    }
    case "unpriced":
      return [unpricedSentence(status)];
    case "holds-expired":
      return [
        `${plural(status.held.expired, "call")} were reserved and never settled; see: alpha holds list --expired`,
      ];
    case "reset-overdue":
      return [
        `${plural(status.daysToClose, "day")} that ${status.daysToClose === 1 ? "is" : "are"} over ${status.daysToClose === 1 ? "was" : "were"} not closed; see: alpha cron show`,
      ];
  }
}

function stopSentences(
  { stops }: StatusView,
  action: "stop" | "throttle",
  time: (at: Instant) => string,
): string[] {
  const head = action === "stop" ? "Stopped:" : "Throttled:";
  const all = stops.filter((stop) => stop.action === action);
  const said = all.slice(0, MOST_NAMED).map((stop) => {
    const because = stop.reason === null ? "" : ` (${stop.reason})`;
    const until = stop.until === null ? "until it is lifted" : `until ${time(stop.until)}`;
    return `${head} ${callsInWords(stop)}, ${until}, by ${stop.actor} since ${time(stop.since)}${because}`;
  });
  const more = all.length - said.length;
  return more === 0 ? said : [...said, `${head} ${count(more)} more; see: alpha emergency-stop status`];
}

function unpricedSentence({ unpriced }: StatusView): string {
  const events = unpriced.reduce((sum, each) => sum + each.events, 0);
  const assumed = unpriced.reduce((sum, each) => sum + each.assumed, 0n);
  const models = someOf(unpriced.map(({ model }) => model || "no model stated"));
  return `${plural(events, "call")} of this month ${events === 1 ? "has" : "have"} no price (${models}), assumed to cost ${formatUsd(assumed)}`;
}

function someOf(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return list(more > 0 ? [...names.slice(0, MOST_NAMED), `${count(more)} more`] : names);
}
