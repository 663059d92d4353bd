import { counted, type Finding, fine, orFine, problem, someOf, warning } from "./doctor.js";
import type { Stop } from "./emergency.js";
import { type Pricing, planningPricing } from "./estimate.js";
import { PLAN_MONTH_DAYS, personaFit } from "./estimate-fit.js";
import { GUARDRAIL_ACTOR, type Guardrail } from "./guardrail.js";
import { amountInWords } from "./message.js";
import { type Meter, type Period, quotaName } from "./meter.js";
import { formatUsd } from "./money.js";
import type { PersonaKey } from "./persona.js";
import { planningRates, type Settings } from "./settings.js";
import { quotaFor, type Tier } from "./tier.js";
import { formatInstant, type Instant } from "./window.js";

/** What limits and stops are set to, as far as they may not do what was meant. */
export interface LimitFacts {
  readonly settings: Settings;
  readonly tiers: readonly Tier[];
  /** How many testers are on each tier, by its key. */
  readonly testers: ReadonlyMap<string, number>;
  /** Of active testers, each pair once. */
  readonly personas: readonly { readonly persona: PersonaKey; readonly tier: string }[];
  readonly stops: readonly Stop[];
  readonly guardrails: readonly {
    readonly guardrail: Guardrail;
    /** When it tripped in the window that runs; `null`: it has not. */
    readonly trippedAt: Instant | null;
    /** Whether what it turned on then is on still. */
    readonly isOn: boolean;
    /** When the window ends. */
    readonly until: Instant;
  }[];
}

export function diagnoseLimits(facts: LimitFacts): Finding[] {
  return [
    ...diagnoseStops(facts),
    diagnoseBudget(facts),
    ...diagnoseGuardrails(facts),
    ...diagnoseSettings(facts),
    ...diagnoseEstimates(facts),
  ];
}

function diagnoseStops({ stops }: LimitFacts): Finding[] {
  const findings = stops.map(({ action, scope, actor, since, until, reason }) => {
    const isScoped = Object.values(scope).some((part) => part !== undefined);
    const calls = isScoped ? "some calls are" : "every call is";
    const end = until === null ? "" : `, until ${formatInstant(until)}`;
    const why = reason === null ? "" : ` (${reason})`;
    const what = action === "stop" ? "stopped" : "throttled to the emergency limits";
    const message = `${calls} ${what} by ${actor === GUARDRAIL_ACTOR ? "a guardrail" : actor} since ${formatInstant(since)}${end}${why}`;
    const remedy = "alpha emergency-stop status tells which; alpha emergency-stop off lifts it";
    // What is stopped for one model or tester may stay so for good, and is meant.
    return action === "stop" && !isScoped
      ? problem("stops", message, remedy)
      : warning("stops", message, remedy);
  });
  return orFine(findings, "stops", "none is on");
}

function diagnoseBudget({ guardrails }: LimitFacts): Finding {
  const costs = guardrails.map(({ guardrail }) => guardrail).filter(({ meter }) => meter === "cost");
  if (costs.length > 0) {
    const limits = costs.map(({ limit, period, action }) => `${formatUsd(limit)} a ${period} (${action})`);
    return fine("budget", `all testers together: ${limits.join(", ")}`);
  }
  return warning(
    "budget",
    "nothing limits what all testers together may cost",
    "alpha guardrails set --daily-cost 25",
  );
}

function diagnoseGuardrails(facts: LimitFacts): Finding[] {
  const { guardrails } = facts;
  const findings = guardrails.flatMap(({ guardrail, trippedAt, isOn, until }) => {
    const found = undercutTiers(guardrail, facts);
    if (trippedAt === null || isOn || guardrail.action === "alert") return found;
    const message = `the guardrail on ${quotaName(guardrail)} tripped at ${formatInstant(trippedAt)} and was lifted: it watches nothing until ${formatInstant(until)}`;
    const remedy = "watch alpha status, or give it a higher limit with alpha guardrails set";
    return [...found, warning("guardrails", message, remedy)];
  });
  const watching = guardrails.length === 0 ? "there are none" : counted(guardrails.length, "guardrail");
  return orFine(findings, "guardrails", watching);
}

/** One tester alone can reach it, and then it stops everybody. */
function undercutTiers(guardrail: Guardrail, { tiers, testers, settings }: LimitFacts): Finding[] {
  const { meter, period, limit, action } = guardrail;
  const pricing = planningPricing(planningRates(settings));
  const over = tiers
    .filter(({ key }) => (testers.get(key) ?? 0) > 0)
    .map((tier) => ({ tier, most: mostOf(tier, meter, period, pricing) }))
    .filter(({ most }) => most > limit);
  if (over.length === 0) return [];
  const named = over.map(({ tier, most }) => {
    const amount = most === Number.POSITIVE_INFINITY ? "without limit" : amountInWords(meter, most);
    return `${tier.key} (${amount})`;
  });
  const then = action === "alert" ? "alerts" : `${action}s everybody`;
  return [
    warning(
      "guardrails",
      `one tester alone may use more in a ${period} than the guardrail on ${quotaName(guardrail)} lets through (${amountInWords(meter, limit)}), which then ${then}: ${someOf(named)}`,
      "raise it with alpha guardrails set, or lower the tier with alpha tiers set",
    ),
  ];
}

/**
 * The most that the limits of a tier let one tester use of a meter in a period; `Infinity`: nothing limits it. Where
 * tokens and images are limited, they limit the cost, too: at the planning rates.
 */
function mostOf(tier: Tier, meter: Meter, period: Period, pricing: Pricing): number {
  const days = period === "day" ? 1 : PLAN_MONTH_DAYS;
  const daily = quotaFor(tier.quotas, meter, "day")?.limit ?? Number.POSITIVE_INFINITY;
  const monthly = quotaFor(tier.quotas, meter, "month")?.limit ?? Number.POSITIVE_INFINITY;
  const stated = Math.min(daily * days, monthly);
  if (meter !== "cost") return stated;
  const tokens = mostOf(tier, "tokens", period, pricing);
  const images = mostOf(tier, "images", period, pricing);
  const isLimited = Number.isSafeInteger(tokens) && Number.isSafeInteger(images);
  return isLimited ? Math.min(stated, pricing({ tokens, images })) : stated;
}

function diagnoseSettings({ settings, tiers }: LimitFacts): Finding[] {
  const { default_tier, warn_at, block_at, unpriced } = settings;
  const findings: Finding[] = [];
  if (!tiers.some(({ key }) => key === default_tier)) {
    const message = `there is no tier ${default_tier}, on which new testers are to start`;
    findings.push(problem("settings", message, "alpha settings set default_tier <tier>"));
  }
  if (warn_at >= block_at) {
    const message = `decisions are to warn at ${warn_at / 100}% and block at ${block_at / 100}% already, so that nobody is warned`;
    findings.push(warning("settings", message, "alpha settings set warn_at 80%"));
  }
  if (unpriced === "ignore") {
    const message = "usage without a price counts against no limit of cost, and against no guardrail";
    findings.push(warning("settings", message, "alpha settings set unpriced assume"));
  }
  return orFine(findings, "settings", `new testers start on ${default_tier}`);
}

/** Testers who use what they are expected to are blocked all the same. */
function diagnoseEstimates({ personas, tiers, settings }: LimitFacts): Finding[] {
  const pricing = planningPricing(planningRates(settings));
  const findings = personas.flatMap(({ persona, tier: key }) => {
    const tier = tiers.find((each) => each.key === key);
    if (tier === undefined) return [];
    const { stated, costLimit, first } = personaFit(persona, tier, pricing, settings.block_at);
    const why = [
      costLimit !== null && stated > costLimit
        ? `their stated ${formatUsd(stated)} a month is above its ${formatUsd(costLimit)}`
        : null,
      first?.reached === true ? `what they are expected to use reaches its ${quotaName(first.quota)}` : null,
    ].filter((part) => part !== null);
    if (why.length === 0) return [];
    const message = `${persona} testers do not fit ${key}: ${why.join(", and ")}`;
    const remedy = `raise its limits with alpha tiers set ${key}, or move them with alpha users promote`;
    return [warning("estimates", message, remedy)];
  });
  const fit = personas.length === 0 ? "no tester has a persona" : "every persona fits its tier";
  return orFine(findings, "estimates", fit);
}
