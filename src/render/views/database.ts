import { dayLabel, formatInstant, type Instant, localTime } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import { FIGURE_COLUMNS, type Figure, figuresOf } from "../figures.js";
import type { Style } from "../style.js";
import type { Table } from "../table.js";
import { count, list, plural, size } from "../text.js";

interface FactsView {
  readonly kind: "sqlite" | "postgres";
  readonly version: string;
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

interface HeldView {
  readonly createdAt: Instant | null;
  readonly timeZone: string;
  readonly durability: string;
  readonly size: number;
  readonly testers: number;
  readonly rows: number;
  readonly days: { readonly first: string; readonly last: string } | null;
  readonly sealed: { readonly before: string; readonly months: number; readonly events: number } | null;
  readonly lastReset: { readonly day: number; readonly ranAt: Instant } | null;
  readonly lastBackup: { readonly at: Instant; readonly path: string } | null;
  readonly clients: readonly {
    readonly host: string;
    readonly pid: number;
    readonly failOpen: boolean;
    readonly openedAt: Instant;
  }[];
}

interface InfoView {
  readonly facts: FactsView;
  /** `null`: it has to be migrated before it can be read. */
  readonly held: HeldView | null;
}

const KINDS = { sqlite: "SQLite", postgres: "PostgreSQL" } as const;

export function infoJson({ facts, held }: InfoView) {
  const { kind, version, applied, pending } = facts;
  return {
    kind,
    version,
    schema: { current: pending.length === 0, applied, pending },
    contents: held === null ? null : heldJson(held),
  };
}

function heldJson(held: HeldView) {
  const { days, sealed, lastReset, lastBackup } = held;
  return {
    created_at: held.createdAt === null ? null : formatInstant(held.createdAt),
    time_zone: held.timeZone,
    durability: held.durability,
    size_bytes: held.size,
    testers: held.testers,
    ledger_rows: held.rows,
    first_day: days?.first ?? null,
    last_day: days?.last ?? null,
    sealed: sealed === null ? null : { before: sealed.before, months: sealed.months, events: sealed.events },
    last_reset:
      lastReset === null ? null : { day: dayLabel(lastReset.day), ran_at: formatInstant(lastReset.ranAt) },
    last_backup: lastBackup === null ? null : { at: formatInstant(lastBackup.at), path: lastBackup.path },
    products: held.clients.map(({ host, pid, failOpen, openedAt }) => ({
      host,
      pid,
      fail_open: failOpen,
      opened_at: formatInstant(openedAt),
    })),
  };
}

/** For CSV and Markdown: one figure a row. */
export function infoTable({ contents, ...info }: { readonly contents: object | null }): Table<Figure> {
  return { rows: figuresOf({ ...info, ...contents }), empty: "", columns: FIGURE_COLUMNS };
}

export function infoText(
  { facts, held }: InfoView,
  look: { readonly database: string; readonly style: Style; readonly width: number | null },
): string {
  const { kind, version, applied, pending } = facts;
  const fields: Field[] = [
    ["Database", look.database],
    ["Kept by", `${KINDS[kind]} ${version}`],
    pending.length === 0
      ? ["Schema", `up to date (${applied.at(-1)})`]
      : ["Schema", `lacks ${list(pending)}: bring it up to date with alpha db migrate`, warn],
  ];
  return renderFields(held === null ? fields : [...fields, ...heldFields(held, look.width)], look);
}

function heldFields(held: HeldView, width: number | null): Field[] {
  const { days, sealed, lastReset, lastBackup, clients, timeZone } = held;
  const time = (at: Instant) => (width === null ? formatInstant(at) : localTime(at, timeZone));
  return [
    ["Size", size(held.size)],
    ["Created", held.createdAt === null ? "never initialised" : time(held.createdAt)],
    ["Time zone", timeZone],
    ["Durability", held.durability],
    ["Testers", count(held.testers)],
    [
      "Ledger",
      `${plural(held.rows, "row")}${days === null ? "" : `, usage from ${days.first} to ${days.last}`}`,
    ],
    [
      "Sealed",
      sealed === null
        ? "nothing"
        : `everything before ${sealed.before}: ${plural(sealed.months, "month")} with ${plural(sealed.events, "row")}`,
    ],
    [
      "Last reset",
      lastReset === null ? "never" : `${dayLabel(lastReset.day)} was closed, ${time(lastReset.ranAt)}`,
    ],
    lastBackup === null
      ? ["Last backup", "never, with alpha db backup"]
      : ["Last backup", `${time(lastBackup.at)} to ${lastBackup.path}`],
    [
      "Products",
      clients.length === 0
        ? "none has opened it"
        : clients.map((client) => productText(client, time)).join("\n"),
    ],
  ];
}

function productText(
  { host, pid, failOpen, openedAt }: HeldView["clients"][number],
  time: (at: Instant) => string,
): string {
  return `${host} (process ${pid}), opened ${time(openedAt)}${failOpen ? ", fails open" : ""}`;
}

function warn(text: string, style: Style): string {
  return style.warn(text);
}

export function migratedJson(migrated: readonly string[]) {
  return { migrated, count: migrated.length };
}

export function migratedText(migrated: readonly string[], dryRun: boolean, style: Style): string {
  if (migrated.length === 0) return `${style.ok("Up to date:")} nothing to migrate.\n`;
  return `${style.ok(dryRun ? "Would migrate:" : "Migrated:")} ${list(migrated)}.\n`;
}
