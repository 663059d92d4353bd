import { moneyJson } from "../../domain/money.js";
import type { Sums } from "../../domain/report.js";
import type { UserReport, UserRow } from "../../domain/report-users.js";
import { amountJson, inOrder, quotaJson } from "./quotas.js";

/** What a report by user has in JSON beside what every report has. */
export function userReportJson(report: UserReport, sumsJson: (sums: Sums) => object) {
  const { estimates, computedAt, fits } = report;
  const { withoutPersona, withoutProjection, ...sums } = estimates;
  return {
    rows: report.rows.map((row) => rowJson(row, sumsJson)),
    estimates: {
      stated: moneyJson(sums.stated),
      computed: moneyJson(sums.computed),
      actual: moneyJson(sums.actual),
      projected: moneyJson(sums.projected),
      without_persona: withoutPersona,
      without_projection: withoutProjection,
    },
    computed_at: computedAtJson(computedAt),
    fits: {
      personas: fits.personas.map(({ persona, tier, stated, computed, costLimit, first }) => ({
        persona,
        tier,
        stated_per_month: moneyJson(stated),
        computed_per_month: moneyJson(computed),
        cost_limit_per_month: costLimit === null ? null : moneyJson(costLimit),
        stated_above_limit: costLimit !== null && stated > costLimit,
        computed_above_limit: costLimit !== null && computed > costLimit,
        binds_first:
          first === null
            ? null
            : {
                ...quotaJson(first.quota),
                ratio: Number.isFinite(first.ratio) ? first.ratio : null,
                reached: first.reached,
              },
      })),
      tiers: fits.tiers.map(({ tier, fullUse, costLimit }) => ({
        tier,
        full_use_per_month: moneyJson(fullUse),
        cost_limit_per_month: moneyJson(costLimit),
      })),
    },
  };
}

function rowJson(row: UserRow, sumsJson: (sums: Sums) => object) {
  const { user, sums, quotas, fullest, estimate } = row;
  return {
    user: { id: user.key, email: user.email, name: user.name, status: user.status },
    tier: user.tier,
    persona: estimate.persona,
    persona_inferred: estimate.inferred,
    ...sumsJson(sums),
    quotas: inOrder(quotas).map((quota) => ({
      ...quotaJson(quota),
      used: amountJson(quota.meter, quota.used),
      running: amountJson(quota.meter, quota.running),
      ratio: quota.ratio,
      source: quota.source,
    })),
    fullest: fullest === null ? null : { meter: fullest.meter, period: fullest.period, ratio: fullest.ratio },
    estimate: {
      days: estimate.days,
      tokens: estimate.tokens,
      images: estimate.images,
      stated: estimate.stated === null ? null : moneyJson(estimate.stated),
      computed: estimate.computed === null ? null : moneyJson(estimate.computed),
      actual: moneyJson(estimate.actual),
      projected: estimate.projected === null ? null : moneyJson(estimate.projected),
    },
  };
}

function computedAtJson(at: UserReport["computedAt"]) {
  if (at.rates === "planning") {
    return {
      rates: at.rates,
      per_million_tokens: moneyJson(at.perMillionTokens),
      per_image: moneyJson(at.perImage),
    };
  }
  return {
    rates: at.rates,
    model: at.model,
    per_million_input_tokens: moneyJson(at.input),
    per_million_output_tokens: moneyJson(at.output),
    per_image: moneyJson(at.perImage),
    images_at_planning_rate: at.imagesPlanned,
    token_split: { from: at.split.from, input: at.split.input, output: at.split.output },
  };
}
