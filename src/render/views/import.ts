import { formatUsd, moneyJson } from "../../domain/money.js";
import { type Field, renderFields } from "../fields.js";
import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import { count, list, plural } from "../text.js";

interface Counts {
  readonly records: number;
  readonly inserted: number;
  readonly superseded: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly skippedBy: ReadonlyMap<string, number>;
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

interface Overlap {
  readonly user: string;
  readonly hours: number;
  readonly calls: number;
  readonly sources: readonly string[];
}

export interface ImportView {
  readonly logs: readonly Log[];
  readonly total: Counts;
  readonly addedUsers: readonly { readonly name: string; readonly tier: string }[];
  readonly overlaps: readonly Overlap[];
  readonly interrupted: boolean;
}

function countsJson(counts: Counts) {
  return {
    records: counts.records,
    inserted: counts.inserted,
    superseded: counts.superseded,
    duplicate: counts.duplicate,
    conflict: counts.conflict,
    rejected: counts.rejected,
    skipped: counts.skipped,
    skipped_by: [...counts.skippedBy].map(([reason, records]) => ({ reason, records })),
    unpriced: counts.unpriced,
    input_tokens: counts.input,
    output_tokens: counts.output,
    images: counts.images,
    cost: moneyJson(counts.cost),
    assumed_cost: moneyJson(counts.assumed),
  };
}

/** An import as JSON shows it; the counts of usage and cost are of what was inserted, input with what was cached. */
export function importJson({ logs, total, addedUsers, overlaps, interrupted }: ImportView) {
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
    added_users: addedUsers.map(({ name, tier }) => ({ name, tier })),
    overlaps: overlaps.map(({ user, hours, calls, sources }) => ({ user, hours, calls, sources })),
    interrupted,
  };
}

/** Files of which each has a line of its own; of more, only those of which there is something to say. */
const FILES_SHOWN = 10;
const NAMES_SHOWN = 10;

/** The summary of an import; with a line for each file where there are several. */
export function importText(
  { logs, total, addedUsers, interrupted }: ImportView,
  {
    dryRun,
    style,
    width,
  }: { readonly dryRun: boolean; readonly style: Style; readonly width: number | null },
): string {
  const painted = (label: string, n: number, value = count(n)): Field =>
    n === 0 ? [label, value] : [label, value, (text) => style.warn(text)];
  const shown = logs.length <= FILES_SHOWN ? logs : logs.filter(isNotable);
  const skipped = [...total.skippedBy].map(([reason, records]) => `${reason} (${count(records)})`);
  const fields: Field[] = [
    ...optional(logs.length > FILES_SHOWN, "Files", filesText(logs.length, shown.length)),
    ["Records read", count(total.records) + (interrupted ? ", then interrupted" : "")],
    [dryRun ? "Would be inserted" : "Inserted", count(total.inserted)],
    ...optional(total.superseded > 0, "Superseded", count(total.superseded)),
    ["Duplicates", count(total.duplicate)],
    painted("Conflicts", total.conflict),
    painted("Rejected", total.rejected),
    ...optional(total.skipped > 0, "Skipped", [count(total.skipped), skipped.join(", ")].join(": ")),
    ...optional(addedUsers.length > 0, dryRun ? "Users to add" : "Users added", addedText(addedUsers)),
    ["Input tokens", count(total.input)],
    ["Output tokens", count(total.output)],
    ["Images", count(total.images)],
    ["Cost", formatUsd(total.cost)],
    painted("Unpriced", total.unpriced, unpricedText(total)),
  ];
  const summary = renderFields(fields, { style, width });
  if (logs.length === 1 || shown.length === 0) return summary;
  return `${renderTable(logsTable(shown), { style, width })}\n${summary}`;
}

function optional(isThere: boolean, label: string, value: string): readonly Field[] {
  return isThere ? [[label, value]] : [];
}

function isNotable({ error, counts }: Log): boolean {
  return error !== null || counts.rejected + counts.conflict > 0;
}

function filesText(files: number, shown: number): string {
  return shown === 0 ? count(files) : `${count(files)}, of which ${count(shown)} had something wrong`;
}

function addedText(users: ImportView["addedUsers"]): string {
  return `${count(users.length)} on ${users[0]?.tier ?? ""}: ${firstOf(users.map(({ name }) => name))}`;
}

/** Superseding records may change what is assumed with as many unpriced ones as before, or with fewer. */
function unpricedText({ unpriced, assumed }: Counts): string {
  if (unpriced > 0) return `${plural(unpriced, "record")}, assumed to cost ${formatUsd(assumed)}`;
  if (assumed === 0n) return unpriced === 0 ? "0" : `${plural(-unpriced, "record")} fewer`;
  const by = assumed < 0n ? `${formatUsd(-assumed)} less assumed` : `${formatUsd(assumed)} more assumed`;
  return unpriced === 0 ? `no more records, but ${by}` : `${plural(-unpriced, "record")} fewer, ${by}`;
}

function firstOf(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (more > 0 ? `, and ${count(more)} more` : "");
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

function unknownNotes(logs: readonly Log[]): string[] {
  const names = new Map<string, number>();
  for (const { unknownUsers } of logs) {
    for (const [name, records] of unknownUsers) names.set(name, (names.get(name) ?? 0) + records);
  }
  if (names.size === 0) return [];
  const most = [...names].sort((a, b) => b[1] - a[1]);
  const said = most.map(([name, records]) => `${name} (${plural(records, "record")})`);
  return [
    `Unknown users: ${firstOf(said)}`,
    "Onboard them with alpha users add, or all of them with --add-users, then import the same file again: what is in already counts once.",
  ];
}

/** What to say, line by line, of calls that two sources have in the same hours; nothing where there are none. */
export function overlapNotes({ overlaps, logs }: ImportView): string[] {
  const users = [...new Set(overlaps.map(({ user }) => user))];
  const [first] = users;
  if (first === undefined) return [];
  const others = users.length - 1;
  const who = others === 0 ? first : `${first} and ${plural(others, "other")}`;
  const have = others === 0 ? "has" : "have";
  const sources = [...new Set(overlaps.flatMap((each) => each.sources))].sort().map(sourceText);
  const numbers = logs.flatMap(({ number }) => (number === null ? [] : [number]));
  const undo = numbers.length === 1 ? `alpha usage undo-import ${numbers[0]}` : "alpha usage undo-import";
  return [
    `${who} ${have} calls from ${list(sources)} in the same hours: these may be the same calls, counted twice.`,
    `Take the import back with ${undo}; calls count once where both sources state the provider's id of the response.`,
  ];
}

function sourceText(source: string): string {
  if (source === "live") return "live metering";
  return source === "log" ? "another log" : `${source} logs`;
}
