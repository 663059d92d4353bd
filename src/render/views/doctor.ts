import type { Style } from "../style.js";
import type { Table } from "../table.js";
import { list, plural, wrap } from "../text.js";

interface FindingView {
  readonly check: string;
  readonly level: "ok" | "warning" | "problem" | "skipped";
  readonly message: string;
  readonly remedy: string | null;
}

export function doctorJson(findings: readonly FindingView[]) {
  const { problem, warning, skipped } = countsOf(findings);
  return {
    all_well: problem === 0 && warning === 0,
    problems: problem,
    warnings: warning,
    skipped,
    findings: findings.map(({ check, level, message, remedy }) => ({ check, level, message, remedy })),
  };
}

export function findingsTable(findings: readonly FindingView[]): Table<FindingView> {
  return {
    rows: findings,
    empty: "Nothing was looked at.",
    columns: [
      { key: "level", header: "LEVEL", text: ({ level }) => level },
      { key: "check", header: "CHECK", text: ({ check }) => check },
      { key: "message", header: "FOUND", text: ({ message }) => message },
      {
        key: "remedy",
        header: "REMEDY",
        text: ({ remedy }) => remedy ?? "-",
        value: ({ remedy }) => remedy,
      },
    ],
  };
}

const LEVEL_WIDTH = "problem".length + 2;
/** With fewer columns a message stands under its check, where it has room. */
const LEAST_BESIDE = 50;
const ARROWS = { true: "→", false: "->" } as const;

/** A line for each check, more where there is something to be done, and at the end what it comes to. */
export function doctorText(
  findings: readonly FindingView[],
  look: { readonly style: Style; readonly width: number | null; readonly database: string },
): string {
  const { style, width, database } = look;
  const made = findings.filter(({ level }) => level !== "skipped");
  const checkWidth = Math.max(...findings.map(({ check }) => check.length)) + 2;
  const beside = width === null || width >= LEAST_BESIDE;
  const indent = " ".repeat(beside ? LEVEL_WIDTH + checkWidth : 2);
  const room = width === null ? null : width - indent.length;
  const fitted = (text: string, less = 0) => (room === null ? [text] : wrap(text, room - less));

  const lines = made.flatMap((finding) => {
    const { check, level, message, remedy } = finding;
    const head = `${painted(level, style)}${" ".repeat(LEVEL_WIDTH - level.length)}${check.padEnd(checkWidth)}`;
    const said = fitted(message).map((line) => (level === "ok" ? style.muted(line) : line));
    const arrow = ARROWS[style.unicode ? "true" : "false"];
    const todo = remedy === null ? [] : fitted(remedy, arrow.length + 1);
    const below = todo.map(
      (line, at) => `${indent}${at === 0 ? `${arrow} ` : " ".repeat(arrow.length + 1)}${style.code(line)}`,
    );
    const [first = "", ...rest] = said;
    return beside
      ? [`${head}${first}`, ...rest.map((line) => indent + line), ...below]
      : [head.trimEnd(), ...said.map((line) => indent + line), ...below];
  });
  const end = [verdict(findings, database), ...notMade(findings)];
  const wrapped = end.flatMap((sentence) => (width === null ? [sentence] : wrap(sentence, width)));
  const paint = worst(findings) === "ok" ? style.ok : worst(findings) === "warning" ? style.warn : style.bad;
  const [first = "", ...rest] = wrapped;
  return `${[...lines, "", paint(first), ...rest].join("\n")}\n`;
}

function painted(level: FindingView["level"], style: Style): string {
  if (level === "problem") return style.bad(level);
  if (level === "warning") return style.warn(level);
  return style.ok(level);
}

function verdict(findings: readonly FindingView[], database: string): string {
  const { problem, warning, ok } = countsOf(findings);
  if (problem + warning === 0) return `All is well with ${database}: ${plural(ok, "check")}.`;
  const found = list([
    ...(problem === 0 ? [] : [plural(problem, "problem")]),
    ...(warning === 0 ? [] : [plural(warning, "warning")]),
  ]);
  return `${found} in ${database}.`;
}

/** What was not looked at, by why. */
function notMade(findings: readonly FindingView[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { level, check, message } of findings) {
    if (level === "skipped") byReason.set(message, [...(byReason.get(message) ?? []), check]);
  }
  return [...byReason].map(([why, checks]) =>
    checks.length > findings.length / 2
      ? `Nothing else was looked at: ${why}.`
      : `Not looked at: ${list(checks)} (${why}).`,
  );
}

function worst(findings: readonly FindingView[]): "ok" | "warning" | "problem" {
  const { problem, warning } = countsOf(findings);
  return problem > 0 ? "problem" : warning > 0 ? "warning" : "ok";
}

function countsOf(findings: readonly FindingView[]): Record<FindingView["level"], number> {
  const counts = { ok: 0, warning: 0, problem: 0, skipped: 0 };
  for (const { level } of findings) counts[level] += 1;
  return counts;
}
