import {
  EXPLAINED_STEPS,
  type ExplainedQuota,
  type ExplainedStep,
  type Verdict,
} from "../../domain/explain.js";
import { usdString } from "../../domain/money.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { wrap } from "../text.js";
import { quotasTable } from "./decision.js";
import {
  askInWords,
  type ExplainedView,
  forgivenInWords,
  guardrailInWords,
  holdsInWords,
  momentsOf,
  nameOf,
  notesOf,
  overrideAddition,
  refusalsInWords,
  stepInWords,
  windowInWords,
} from "./explain-words.js";
import { amountText } from "./quotas.js";
import { overrideText } from "./user.js";

const STEP_LABELS: Readonly<Record<ExplainedStep, string>> = {
  emergency: "emergency",
  user: "user",
  feature: "feature",
  price: "price",
  quotas: "quotas",
  call: "one call",
};

const PAINT = { allow: "ok", warn: "warn", block: "bad" } as const;
const VERDICT_PAINT: Readonly<Record<Verdict, "ok" | "warn" | "bad" | "muted">> = {
  passes: "ok",
  warns: "warn",
  blocks: "bad",
  "not-reached": "muted",
};

/** What a step comes to, where all of its sentence is not painted. */
const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  passes: "passes",
  warns: "warns",
  blocks: "BLOCKS",
  "not-reached": "not reached",
};

/** Every quota with from where on it warns and refuses. */
export function explainedTable(
  { explanation, timeZone }: ExplainedView,
  width: number | null,
): Table<ExplainedQuota> {
  const { columns, notes = [], empty } = quotasTable(explanation.quotas, width === null ? null : timeZone);
  const threshold = (key: "warn_from" | "block_from", header: string, of: "warnFrom" | "blockFrom") => ({
    key,
    header,
    align: "right" as const,
    priority: 6,
    text: (quota: ExplainedQuota) => amountText(quota.meter, quota[of]),
    value: (quota: ExplainedQuota) => (quota.meter === "cost" ? usdString(quota[of]) : quota[of]),
  });
  const thresholds: Column<ExplainedQuota>[] = [
    threshold("warn_from", "WARNS", "warnFrom"),
    threshold("block_from", "REFUSES", "blockFrom"),
  ];
  const limit = columns.findIndex(({ key }) => key === "limit");
  return {
    rows: explanation.quotas,
    empty,
    notes,
    columns: [...columns.slice(0, limit + 1), ...thresholds, ...columns.slice(limit + 1)],
  };
}

/** The answer first, then the steps that led to it, then what they were taken from. */
export function explainedText(view: ExplainedView, style: Style, width: number | null): string {
  const { explanation, timeZone, at, past } = view;
  const { decision } = explanation;
  const moment = momentsOf(timeZone, width);
  const zone = width === null ? "" : ` ${timeZone}`;
  const head = `${nameOf(view)}: ${askInWords(view)}`;
  const answer: Field[] = [
    ["decision", `${decision.outcome}: ${decision.code}`, (text) => style[PAINT[decision.outcome]](text)],
    ["message", decision.message],
    [past ? "as of" : "now", `${moment(at)}${zone}`],
  ];
  const sections = [
    renderFields(answer, { style, width }),
    renderFields(stepFields(view, width), { style, width }),
    renderFields(factFields(view, width), { style, width }),
    renderTable(explainedTable(view, width), { style, width }),
  ];
  const notes = notesOf(view).flatMap((note) => (width === null ? [note] : wrap(note, width)));
  const title = width === null ? [sanitize(head)] : wrap(sanitize(head), width);
  const told = notes.length === 0 ? "" : `\n${notes.map((note) => `${style.muted(note)}\n`).join("")}`;
  return `${title.map(style.heading).join("\n")}\n${sections.join("\n")}${told}`;
}

function stepFields(view: ExplainedView, width: number | null): Field[] {
  const moment = momentsOf(view.timeZone, width);
  return EXPLAINED_STEPS.map((step, index) => {
    const verdict = view.explanation.verdicts[step];
    const says = `${VERDICT_WORDS[verdict]}: ${stepInWords(step, view, moment)}`;
    const paint = (text: string, style: Style) => {
      // Only what decides stands out; a step that passes has its word in colour, and its facts plain.
      if (verdict !== "passes") return style[VERDICT_PAINT[verdict]](text);
      const word = VERDICT_WORDS.passes;
      return text.startsWith(`${word}:`) ? style.ok(word) + text.slice(word.length) : text;
    };
    return [`${index + 1} ${STEP_LABELS[step]}`, says, paint];
  });
}

function factFields(view: ExplainedView, width: number | null): Field[] {
  const { explanation, tier, timeZone, windows, guardrails } = view;
  const moment = momentsOf(timeZone, width);
  const listed = (label: string, lines: readonly string[]): Field[] =>
    lines.length === 0 ? [[label, "none"]] : lines.map((line, index) => [index === 0 ? label : "", line]);
  return [
    ...listed(
      "overrides",
      explanation.overrides.map(
        (each) => `${overrideText(each, timeZone, width)}${overrideAddition(each, tier)}`,
      ),
    ),
    ...listed("forgiven", forgivenInWords(view, moment)),
    ["day", windowInWords(windows.day, moment)],
    ["month", windowInWords(windows.month, moment)],
    ["held", holdsInWords(view, moment)],
    ["refused", refusalsInWords(view, moment)],
    ...listed("guardrails", guardrails.map(guardrailInWords)),
  ];
}
