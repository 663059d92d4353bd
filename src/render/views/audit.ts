import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { changedFields, changeText, type StatesView, stateJson } from "./audit-states.js";

interface EntryView extends StatesView {
  readonly id: number;
  readonly at: Instant;
  readonly actor: string;
  readonly action: string;
  readonly reason: string | null;
}

export interface AuditedChangeView {
  readonly entry: EntryView;
  /** Of an undoing what it undid in the end, else the entry itself. */
  readonly change: EntryView;
  readonly user: string | null;
  readonly undoable: boolean;
  readonly undoneBy: number | null;
}

/** In which zone instants are told; `null` off a terminal: RFC 3339 in UTC. */
type Zone = string | null;

export function auditedJson({ entry, change, user, undoable, undoneBy }: AuditedChangeView) {
  const { id, at, actor, action, subject, before, after, reason } = entry;
  return {
    entry: id,
    at: formatInstant(at),
    actor,
    action,
    subject,
    user,
    before: stateJson(before, change.subject),
    after: stateJson(after, change.subject),
    reason,
    undoable,
    undone_by: undoneBy,
    change: { entry: change.id, action: change.action, subject: change.subject },
  };
}

/** What a change was about, as people call it: a user by their email. */
function subjectText({ change, user }: AuditedChangeView): string {
  return user ?? change.subject;
}

function actionText({ entry, change }: AuditedChangeView): string {
  return entry.id === change.id ? entry.action : `${entry.action} ${change.action}`;
}

function statesOf({ entry, change }: AuditedChangeView): StatesView {
  return { subject: change.subject, before: entry.before, after: entry.after };
}

const UNDONE_BY: Column<AuditedChangeView> = {
  key: "undone_by",
  header: "UNDONE BY",
  priority: 2,
  align: "right",
  text: ({ undoneBy }) => (undoneBy === null ? "" : String(undoneBy)),
  value: ({ undoneBy }) => undoneBy,
};

/** One page of the audit. */
export function auditTable(changes: readonly AuditedChangeView[], local: Zone): Table<AuditedChangeView> {
  const anyUndone = changes.some(({ undoneBy }) => undoneBy !== null);
  return {
    rows: changes,
    empty: "No audit entries.",
    columns: [
      {
        key: "entry",
        header: "ENTRY",
        align: "right",
        text: ({ entry }) => String(entry.id),
        value: ({ entry }) => entry.id,
      },
      {
        key: "at",
        header: "TIME",
        text: ({ entry }) => (local === null ? formatInstant(entry.at) : localTime(entry.at, local)),
        value: ({ entry }) => formatInstant(entry.at),
      },
      { key: "actor", header: "ACTOR", truncate: true, minWidth: 6, text: ({ entry }) => entry.actor },
      {
        key: "action",
        header: "ACTION",
        truncate: true,
        minWidth: 17,
        text: actionText,
        value: ({ entry }) => entry.action,
        paint: (text, { undoneBy }, style) => (undoneBy === null ? text : style.muted(text)),
      },
      {
        key: "subject",
        header: "SUBJECT",
        truncate: true,
        minWidth: 12,
        text: subjectText,
        value: ({ entry }) => entry.subject,
      },
      {
        key: "change",
        header: "CHANGE",
        truncate: true,
        minWidth: 12,
        text: (change) => changeText(statesOf(change), local) || "-",
        value: (change) => changeText(statesOf(change), null),
        paint: (text, { undoneBy }, style) => (undoneBy === null ? text : style.muted(text)),
      },
      ...(anyUndone || local === null ? [UNDONE_BY] : []),
      {
        key: "reason",
        header: "REASON",
        priority: 3,
        truncate: true,
        minWidth: 12,
        text: ({ entry }) => entry.reason ?? "",
        value: ({ entry }) => entry.reason,
      },
    ],
    notes:
      local === null || changes.length === 0
        ? []
        : [`Times are in ${local}. One in full: alpha audit <entry>`],
  };
}

/** With fewer columns a change would be cut to where it says nothing, so it stands below its entry. */
const LEAST_BESIDE = 110;
const BELOW: ReadonlySet<string> = new Set(["change", "reason"]);

/** One page of the audit for people. */
export function auditPageText(
  changes: readonly AuditedChangeView[],
  { local, style, width }: PrintOptions,
): string {
  const table = auditTable(changes, local);
  if (width === null || width >= LEAST_BESIDE) return renderTable(table, { style, width });
  const columns = table.columns.filter(({ key }) => !BELOW.has(key));
  return renderTable({ ...table, columns, below: (view) => changeAndReason(view, local) }, { style, width });
}

function changeAndReason(view: AuditedChangeView, local: Zone): string {
  const { reason } = view.entry;
  const change = changeText(statesOf(view), local);
  // A stop has its reason in what it is.
  if (reason === null || change.includes(reason)) return change;
  return change === "" ? reason : `${change} (${reason})`;
}

interface PrintOptions {
  readonly local: Zone;
  readonly style: Style;
  readonly width: number | null;
}

/** One entry in full. */
export function auditedText(view: AuditedChangeView, { local, style, width }: PrintOptions): string {
  const { entry, undoable, undoneBy } = view;
  const when = local === null ? formatInstant(entry.at) : `${localTime(entry.at, local)} ${local}`;
  const state =
    undoneBy !== null ? `undone by ${undoneBy}` : undoable ? `alpha undo ${entry.id}` : "cannot be undone";
  const fields: Field[] = [
    ["entry", String(entry.id), (text) => style.emphasis(text)],
    ["time", when],
    ["actor", entry.actor],
    ["action", actionText(view)],
    ["subject", subjectText(view)],
    ["reason", entry.reason ?? "-"],
    ...changeFields(statesOf(view), local),
    ["undo", state],
  ];
  return renderFields(fields, { style, width });
}

function changeFields(states: StatesView, local: Zone): Field[] {
  return changedFields(states, local).map(({ label, before, after }) => [
    label || "value",
    before === null ? (after ?? "") : after === null ? `${before} → nothing` : `${before} → ${after}`,
  ]);
}

export interface UndoneView {
  readonly entry: EntryView;
  readonly change: EntryView;
  readonly user: string | null;
  /** The number of the entry of the undoing. */
  readonly number: number;
}

export function undoneJson({ entry, change, user, number }: UndoneView, dryRun: boolean) {
  return {
    entry: entry.id,
    undoes: { entry: change.id, action: change.action, subject: change.subject, user },
    before: stateJson(entry.after, change.subject),
    after: stateJson(entry.before, change.subject),
    audit_entry: dryRun ? null : number,
  };
}

export function undoneText(
  { entry, change, user, number }: UndoneView,
  { dryRun, local, style, width }: PrintOptions & { readonly dryRun: boolean },
): string {
  const states = { subject: change.subject, before: entry.after, after: entry.before };
  const what = `${change.action} of ${user ?? change.subject}`;
  const head = `${style.ok(dryRun ? "Would undo" : "Undid")} ${entry.id}: ${
    entry.id === change.id ? what : `the undoing of ${what}`
  }`;
  const fields = renderFields(changeFields(states, local), { style, width });
  const again = dryRun ? "" : `${style.muted(`To take that back: alpha undo ${number}`)}\n`;
  return `${head}\n${fields}${again}`;
}
