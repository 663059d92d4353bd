import { formatUsd, moneyJson } from "../../domain/money.js";
import { type Field, renderFields } from "../fields.js";
import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import { count, plural } from "../text.js";

interface Counts {
  readonly records: number;
  readonly inserted: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly unpriced: number;
  readonly input: bigint;
  readonly output: bigint;
  readonly images: bigint;
  readonly cost: bigint;
  readonly assumed: bigint;
}

interface Reject {
  readonly file: string;
  readonly line: number;
  readonly field: string | null;
  readonly reason: string;
}

interface Log {
  readonly file: string;
  readonly number: number | null;
  readonly counts: Counts;
  readonly unknownUsers: ReadonlyMap<string, number>;
  readonly rejects: readonly Reject[];
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface ImportView {
  readonly logs: readonly Log[];
  readonly total: Counts;
  readonly interrupted: boolean;
}

function countsJson(counts: Counts) {
  return {
    records: counts.records,
    inserted: counts.inserted,
    duplicate: counts.duplicate,
    conflict: counts.conflict,
    rejected: counts.rejected,
    skipped: counts.skipped,
    unpriced: counts.unpriced,
    input_tokens: counts.input,
    output_tokens: counts.output,
    images: counts.images,
    cost: moneyJson(counts.cost),
    assumed_cost: moneyJson(counts.assumed),
  };
}

/** An import as JSON shows it; the counts of usage and cost are of what was inserted, input with what was cached. */
export function importJson({ logs, total, interrupted }: ImportView) {
  return {
    files: logs.map(({ file, number, counts, unknownUsers, rejects, error }) => ({
      file,
      import: number,
      ...countsJson(counts),
      unknown_users: [...unknownUsers].map(([name, records]) => ({ name, records })),
      first_rejects: rejects.map(({ line, field, reason }) => ({ line, field, reason })),
      error: error === null ? null : { code: error.code, message: error.message },
    })),
    total: countsJson(total),
    interrupted,
  };
}

/** The summary of an import; with a line for each file where there are several. */
export function importText(
  { logs, total, interrupted }: ImportView,
  {
    dryRun,
    style,
    width,
  }: { readonly dryRun: boolean; readonly style: Style; readonly width: number | null },
): string {
  const warn = (n: number): Field[2] => (n === 0 ? undefined : (text) => style.warn(text));
  const painted = (label: string, n: number): Field => {
    const paint = warn(n);
    return paint === undefined ? [label, count(n)] : [label, count(n), paint];
  };
  const fields: Field[] = [
    ["Records read", count(total.records) + (interrupted ? ", then interrupted" : "")],
    [dryRun ? "Would be inserted" : "Inserted", count(total.inserted)],
    ["Duplicates", count(total.duplicate)],
    painted("Conflicts", total.conflict),
    painted("Rejected", total.rejected),
    ...(total.skipped > 0 ? ([["Skipped", count(total.skipped)]] as const) : []),
    ["Input tokens", count(total.input)],
    ["Output tokens", count(total.output)],
    ["Images", count(total.images)],
    ["Cost", formatUsd(total.cost)],
    total.unpriced === 0
      ? ["Unpriced", "0"]
      : [
          "Unpriced",
          `${plural(total.unpriced, "record")}, assumed to cost ${formatUsd(total.assumed)}`,
          (text) => style.warn(text),
        ],
  ];
  const summary = renderFields(fields, { style, width });
  return logs.length === 1 ? summary : `${renderTable(logsTable(logs), { style, width })}\n${summary}`;
}

function logsTable(logs: readonly Log[]): Table<Log> {
  const numeric = (key: string, header: string, of: (counts: Counts) => number) => ({
    key,
    header,
    align: "right" as const,
    text: ({ counts }: Log) => count(of(counts)),
  });
  return {
    rows: logs,
    empty: "No files.",
    columns: [
      { key: "file", header: "FILE", truncate: true, minWidth: 16, text: ({ file }) => file },
      numeric("records", "RECORDS", ({ records }) => records),
      numeric("inserted", "INSERTED", ({ inserted }) => inserted),
      numeric("duplicate", "DUPLICATES", ({ duplicate }) => duplicate),
      numeric("rejected", "REJECTED", ({ rejected, conflict }) => rejected + conflict),
      {
        key: "state",
        header: "STATE",
        text: ({ error }) =>
          error === null ? "ok" : error.code === "interrupted" ? "interrupted" : "failed",
        paint: (text, { error }, style) => (error === null ? style.ok(text) : style.bad(text)),
      },
    ],
  };
}

/** The first rejects and unknown users, line by line, for stderr. */
export function rejectNotes({ logs, total }: ImportView): string[] {
  const bad = total.rejected + total.conflict;
  if (bad === 0) return [];
  const shown = logs.flatMap(({ rejects }) => rejects).slice(0, 5);
  const lines = shown.map(
    ({ file, line, field, reason }) => `  ${file}:${line}: ${field ?? "the record"} ${reason}`,
  );
  const head = `${plural(bad, "record")} could not be counted${bad > shown.length ? `; the first ${shown.length}` : ""}:`;
  return [head, ...lines, ...unknownNotes(logs)];
}

const NAMES_SHOWN = 10;

function unknownNotes(logs: readonly Log[]): string[] {
  const names = new Map<string, number>();
  for (const { unknownUsers } of logs) {
    for (const [name, records] of unknownUsers) names.set(name, (names.get(name) ?? 0) + records);
  }
  if (names.size === 0) return [];
  const most = [...names].sort((a, b) => b[1] - a[1]).slice(0, NAMES_SHOWN);
  const said = most.map(([name, records]) => `${name} (${plural(records, "record")})`).join(", ");
  const more = names.size > most.length ? `, and ${count(names.size - most.length)} more` : "";
  return [
    `Unknown users: ${said}${more}`,
    "Onboard them with alpha users add, then import the same file again: what is in already counts once.",
  ];
}
