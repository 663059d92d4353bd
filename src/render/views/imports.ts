import { formatUsd, moneyJson } from "../../domain/money.js";
import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import type { Column, Table } from "../table.js";
import { count, list, plural } from "../text.js";

interface ImportView {
  readonly number: number;
  readonly startedAt: Instant;
  readonly finishedAt: Instant | null;
  readonly undoneAt: Instant | null;
  readonly isHalfUndone: boolean;
  readonly actor: string;
  readonly file: string;
  readonly format: string | null;
  readonly inserted: number;
  readonly superseded: number | null;
  readonly duplicate: number | null;
  readonly rejected: number | null;
  readonly skipped: number | null;
}

type State = "complete" | "incomplete" | "half-undone" | "undone";

function stateOf({ finishedAt, undoneAt, isHalfUndone }: ImportView): State {
  if (undoneAt !== null) return "undone";
  if (isHalfUndone) return "half-undone";
  return finishedAt === null ? "incomplete" : "complete";
}

function instantOrNull(at: Instant | null): string | null {
  return at === null ? null : formatInstant(at);
}

export function importRecordJson(record: ImportView) {
  const { inserted, superseded, duplicate, rejected, skipped } = record;
  return {
    number: record.number,
    started_at: formatInstant(record.startedAt),
    finished_at: instantOrNull(record.finishedAt),
    undone_at: instantOrNull(record.undoneAt),
    state: stateOf(record),
    file: record.file,
    format: record.format,
    actor: record.actor,
    inserted,
    superseded,
    duplicate,
    rejected,
    skipped,
  };
}

function tally(
  key: "inserted" | "superseded" | "duplicate" | "rejected" | "skipped",
  header: string,
  priority: number,
): Column<ImportView> {
  return {
    key,
    header,
    priority,
    align: "right",
    text: (record) => {
      const value = record[key];
      return value === null ? "-" : count(value);
    },
    value: (record) => record[key],
  };
}

/**
 * What was imported, newest first.
 * @param local the zone in which times are shown to people; `null` off a terminal: RFC 3339 in UTC
 */
export function importsTable(imports: readonly ImportView[], local: string | null): Table<ImportView> {
  const said = (key: "superseded" | "skipped") => (imports.some((record) => (record[key] ?? 0) > 0) ? 5 : 12);
  return {
    rows: imports,
    empty: "Nothing was imported yet.",
    columns: [
      {
        key: "number",
        header: "NUMBER",
        align: "right",
        text: ({ number }) => String(number),
        value: ({ number }) => number,
      },
      {
        key: "started_at",
        header: "TIME",
        priority: 4,
        text: ({ startedAt }) => (local === null ? formatInstant(startedAt) : localTime(startedAt, local)),
        value: ({ startedAt }) => formatInstant(startedAt),
      },
      { key: "file", header: "FILE", truncate: true, minWidth: 12, text: ({ file }) => file },
      {
        key: "format",
        header: "FORMAT",
        priority: 7,
        text: ({ format }) => format ?? "-",
        value: ({ format }) => format,
      },
      { key: "actor", header: "BY", priority: 6, truncate: true, text: ({ actor }) => actor },
      tally("inserted", "INSERTED", 1),
      tally("superseded", "SUPERSEDED", said("superseded")),
      tally("duplicate", "DUPLICATES", 3),
      tally("rejected", "REJECTED", 2),
      tally("skipped", "SKIPPED", said("skipped")),
      {
        key: "state",
        header: "STATE",
        text: stateOf,
        paint: (text, record, style) => paintOf(stateOf(record), style)(text),
      },
    ],
    notes: [
      ...(local === null || imports.length === 0 ? [] : [`Times are in ${local}.`]),
      ...(imports.some((record) => stateOf(record) === "incomplete")
        ? ["incomplete: stopped before its end, or still running. The same import again goes on with it."]
        : []),
      ...(imports.some((record) => stateOf(record) === "half-undone")
        ? ["half-undone: alpha usage undo-import was stopped. The same command again goes on with it."]
        : []),
    ],
  };
}

function paintOf(state: State, style: Style): (text: string) => string {
  if (state === "complete") return style.ok;
  return state === "undone" ? style.muted : style.warn;
}

interface UndoneView {
  readonly import: ImportView;
  readonly events: number;
  readonly kept: number;
  readonly restored: number;
  readonly metSince: readonly Pick<ImportView, "number" | "file" | "duplicate">[];
  readonly requests: bigint;
  readonly tokens: bigint;
  readonly images: bigint;
  readonly cost: bigint;
  readonly assumed: bigint;
}

export function undoneJson(undone: UndoneView) {
  const { events, kept, restored, metSince, requests, tokens, images, cost, assumed } = undone;
  return {
    import: undone.import.number,
    file: undone.import.file,
    events,
    kept,
    restored,
    requests,
    tokens,
    images,
    cost: moneyJson(cost),
    assumed_cost: moneyJson(assumed),
    met_since: metSince.map(({ number, file, duplicate }) => ({ import: number, file, duplicate })),
  };
}

export function undoneText(undone: UndoneView, dryRun: boolean, style: Style): string {
  const { events, kept, restored, tokens, images, cost, assumed } = undone;
  const { number, file } = undone.import;
  const lines = [`${style.ok(dryRun ? "Would undo" : "Undone:")} import ${number} (${sanitize(file)}).`];
  const amounts = [
    plural(tokens, "token"),
    ...(images === 0n ? [] : [plural(images, "image")]),
    formatUsd(cost),
    ...(assumed === 0n ? [] : [`${formatUsd(assumed)} assumed`]),
  ];
  const taken = `${dryRun ? "Would take back" : "Took back"} ${plural(events, "call")}`;
  lines.push(events + restored === 0 ? "Nothing of it counts." : `${taken}: ${list(amounts)}.`);
  if (restored > 0) {
    lines.push(
      `${plural(restored, "call")} of other imports ${restored === 1 ? "stands" : "stand"} again as before it.`,
    );
  }
  if (kept > 0) {
    lines.push(`${plural(kept, "call")} ${kept === 1 ? "stays" : "stay"}: another source has met the same.`);
  }
  if (undone.metSince.length > 0) lines.push(metSinceText(undone.metSince, dryRun));
  if (!dryRun) lines.push("Its ids are free: the same records, imported again, count.");
  return `${lines.join("\n")}\n`;
}

const IMPORTS_NAMED = 5;

function metSinceText(imports: UndoneView["metSince"], dryRun: boolean): string {
  const more = imports.length - IMPORTS_NAMED;
  const named = imports.slice(0, IMPORTS_NAMED).map(({ number, file }) => `${number} (${sanitize(file)})`);
  const duplicates = imports.reduce((sum, { duplicate }) => sum + (duplicate ?? 0), 0);
  const who = `${imports.length === 1 ? "Import" : "Imports"} ${list([...named, ...(more > 0 ? [`${count(more)} more`] : [])])}`;
  const would = dryRun ? "would count" : null;
  const which =
    duplicates === 1
      ? `If that was a call of this import, it ${would ?? "counts"} no more`
      : `Those that were calls of this import ${would ?? "count"} no more`;
  const again = `import the ${imports.length === 1 ? "file" : "files"} again${dryRun ? " afterwards" : ""}`;
  return `${who} met ${plural(duplicates, "duplicate")} since. ${which}: ${again}.`;
}
