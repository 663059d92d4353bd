import { EXPLAINED_STEPS } from "../../domain/explain.js";
import { quotaName } from "../../domain/meter.js";
import { moneyJson } from "../../domain/money.js";
import { formatInstant, type Window, windowLabel } from "../../domain/window.js";
import { decisionJson } from "./decision.js";
import { stopJson } from "./emergency.js";
import { type ExplainedView, notesOf, stepInWords, stopView } from "./explain-words.js";
import { amountJson, limitJson } from "./quotas.js";
import { overrideJson } from "./user.js";

export function explainedJson(view: ExplainedView) {
  const { user, explanation, tier, since, windows, refusals } = view;
  const { decision, verdicts, binding } = explanation;
  return {
    user: user.key,
    email: user.email,
    at: formatInstant(view.at),
    past: view.past,
    time_zone: view.timeZone,
    request: requestJson(view),
    decision: decisionJson(decision),
    steps: EXPLAINED_STEPS.map((step) => ({
      step,
      verdict: verdicts[step],
      says: stepInWords(step, view, formatInstant),
    })),
    binds_first: binding === null ? null : quotaName(binding),
    thresholds: explanation.quotas.map(({ meter, period, source, warnFrom, blockFrom, tierLimit }) => ({
      meter,
      period,
      source,
      warn_from: amountJson(meter, warnFrom),
      block_from: amountJson(meter, blockFrom),
      ...(tierLimit === undefined ? {} : { tier_limit: limitJson(meter, tierLimit) }),
    })),
    tier: { key: tier.key, label: tier.label, since: formatInstant(since.tier) },
    status: view.status,
    status_since: formatInstant(since.status),
    overrides: explanation.overrides.map(overrideJson),
    forgiven: view.forgiven.map(({ period, meter, amount, at }) => ({
      period,
      meter,
      amount: amountJson(meter, amount),
      at: formatInstant(at),
    })),
    windows: { day: windowJson(windows.day), month: windowJson(windows.month) },
    holds: explanation.holds.map(({ id, amounts, kind, createdAt, expiresAt }) => ({
      id,
      ...kind,
      ...amounts,
      cost: moneyJson(amounts.cost),
      created_at: formatInstant(createdAt),
      expires_at: formatInstant(expiresAt),
    })),
    refusals: {
      by: refusals.tallies,
      last: refusals.last === null ? null : { ...refusals.last, at: formatInstant(refusals.last.at) },
      complete: refusals.complete,
    },
    stops: explanation.stops.map((stop) => stopJson(stopView(stop, view))),
    guardrails: view.guardrails.map(({ guardrail, used, held, tripped }) => ({
      meter: guardrail.meter,
      period: guardrail.period,
      action: guardrail.action,
      limit: amountJson(guardrail.meter, guardrail.limit),
      used: amountJson(guardrail.meter, used),
      held: amountJson(guardrail.meter, held),
      tripped,
    })),
    notes: notesOf(view),
  };
}

function requestJson({ explanation }: ExplainedView) {
  const { ask, costBasis, featureBy } = explanation;
  const { tokens, images, cost } = ask.amounts;
  const named = (name: string) => (name === "" ? null : name);
  return {
    tokens,
    images,
    states_amounts: ask.statesAmounts,
    cost: moneyJson(cost),
    cost_basis: costBasis,
    provider: named(ask.provider),
    model: named(ask.model),
    feature: named(ask.feature),
    feature_by: ask.feature === "" ? null : featureBy,
  };
}

function windowJson(window: Window) {
  return { label: windowLabel(window), start: formatInstant(window.start), end: formatInstant(window.end) };
}
