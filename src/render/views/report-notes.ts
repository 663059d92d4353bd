import type { PersonaFit, TierFit } from "../../domain/estimate-fit.js";
import { PLAN_MONTH_DAYS } from "../../domain/estimate-fit.js";
import { quotaName } from "../../domain/meter.js";
import { formatUsd } from "../../domain/money.js";
import type { ReportFrame } from "../../domain/report.js";
import type { UserReport } from "../../domain/report-users.js";
import { dayLabel } from "../../domain/window.js";
import { list, percent, plural } from "../text.js";

/** Models that a note names; the rest is counted. */
const NAMED_MODELS = 3;

/** Which days a report is about, and how far they are over. */
export function rangeNote({ range, today, zone }: ReportFrame): string {
  const days = range.to - range.from;
  const name =
    days === 1
      ? dayLabel(range.from)
      : `${dayLabel(range.from)} to ${dayLabel(range.to - 1)} (${plural(days, "day")})`;
  const said = `${name}, accounting zone ${zone}`;
  if (range.from > today) return `${said}; it has not begun.`;
  if (range.to <= today) return `${said}.`;
  return days === 1 ? `${said}; it is running.` : `${said}; day ${today - range.from + 1} is running.`;
}

/** What is missing from the cost, where something is. */
export function unpricedNote({ totals, unpriced }: Pick<ReportFrame, "totals" | "unpriced">): string[] {
  if (totals.unpriced === 0) return [];
  const named = unpriced.slice(0, NAMED_MODELS).map(({ provider, model, events, assumed }) => {
    const name = [provider, model].filter((part) => part !== "").join("/") || "no model stated";
    return `${name} (${plural(events, "event")}, ${formatUsd(assumed)})`;
  });
  const rest = unpriced.length - NAMED_MODELS;
  const models = list(rest > 0 ? [...named, plural(rest, "more model")] : named);
  const one = totals.unpriced === 1;
  const events = `* ${plural(totals.unpriced, "event")} ${one ? "is" : "are"} unpriced and no part of COST`;
  return [
    totals.assumed === 0n
      ? `${events}, nor is any cost assumed for ${one ? "it" : "them"}: ${models}.`
      : `${events}; assumed to cost ${formatUsd(totals.assumed)}, shown apart: ${models}.`,
  ];
}

/** Everything that a report by user says under its table. */
export function userNotes(report: UserReport): string[] {
  if (report.rows.length === 0) return [rangeNote(report), ...unpricedNote(report)];
  return [
    rangeNote(report),
    ...unpricedNote(report),
    ...estimateNotes(report),
    ...report.fits.personas.map(personaNote),
    ...report.fits.tiers.map(tierNote),
  ];
}

function estimateNotes({ rows, estimates, range, today, monthEnd, computedAt }: UserReport): string[] {
  const notes: string[] = [];
  const { withoutPersona, withoutProjection } = estimates;
  if (rows.length > withoutPersona) {
    notes.push(`STATED and COMPUTED are for the days since each tester began. ${computedNote(computedAt)}`);
  }
  if (rows.some((row) => row.estimate.inferred)) {
    notes.push("A persona with ? was inferred from what the tester used.");
  }
  if (withoutPersona > 0) {
    const have = withoutPersona === 1 ? "has" : "have";
    notes.push(
      `${plural(withoutPersona, "tester")} ${have} no persona, given or inferred (after three active days): nothing is stated for them.`,
    );
  }
  if (range.to > today && range.to < monthEnd) {
    notes.push("n/a: only a range with all the rest of the running month is projected.");
  } else if (withoutProjection > 0) {
    notes.push("n/a: there is no projection before the third day.");
  }
  return notes;
}

function computedNote(at: UserReport["computedAt"]): string {
  if (at.rates === "planning") {
    const perThousand = formatUsd(at.perMillionTokens / 1_000);
    return `COMPUTED is at the planning rates, ${perThousand} per 1,000 tokens and ${formatUsd(at.perImage)} per image.`;
  }
  const { split } = at;
  const share = percent(split.input / (split.input + split.output));
  const how =
    split.from === "usage" ? `as in the usage of this range, ${share} input` : "half input, half output";
  const images = at.imagesPlanned ? "at the planning rate, since it has no price for them" : "";
  return [
    `COMPUTED is at the price of ${at.model}, ${formatUsd(at.input)} per million input and ${formatUsd(at.output)} per million output tokens,`,
    `split ${how};`,
    `images ${formatUsd(at.perImage)} each${images === "" ? "" : `, ${images}`}.`,
  ].join(" ");
}

function personaNote({ persona, tier, stated, computed, costLimit, first }: PersonaFit): string {
  const over = [
    ...(stated > (costLimit ?? stated) ? [`the stated ${formatUsd(stated)}`] : []),
    ...(computed > (costLimit ?? computed) ? [`the computed ${formatUsd(computed)}`] : []),
  ];
  const misfit =
    over.length === 0
      ? ""
      : `${list(over)} a month ${over.length === 1 ? "is" : "are"} above the limit of ${formatUsd(costLimit ?? 0)}; `;
  const said = `${persona} on ${tier}: ${misfit}`;
  if (first === null) return `${said}no limit applies.`;
  const { quota, ratio, reached } = first;
  if (quota.limit === 0) return `${said}${quotaName(quota)} is disabled there.`;
  const name = quotaName(quota);
  return reached
    ? `${said}its tokens and images reach ${name} first (${percent(ratio)}).`
    : `${said}its tokens and images reach no limit, ${name} being the nearest (${percent(ratio)}).`;
}

function tierNote({ tier, fullUse, costLimit }: TierFit): string {
  return `Full use of ${tier}'s tokens and images computes to ${formatUsd(fullUse)} in ${PLAN_MONTH_DAYS} days, above its limit of ${formatUsd(costLimit)} a month.`;
}
