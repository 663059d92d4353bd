import type Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import type { Alert } from "../../domain/alert.js";
import type { ColumnsEntered, ImportColumns } from "../../domain/import-columns.js";
import { spanOf } from "../../domain/import-ids.js";
import {
  enterSlice,
  openWindows,
  type Slice,
  type SliceEntered,
  sliceAlerts,
} from "../../domain/ledger-import.js";
import type { LedgerUser } from "../../domain/ledger-model.js";
import type { PriceSource } from "../../domain/price.js";
import { calendar, type Instant } from "../../domain/window.js";
import type { Schema } from "../schema.js";
import { enteredUpTo, usersIn } from "../slice-entry.js";
import { BulkKeys } from "./bulk-keys.js";
import { BulkRows } from "./bulk-rows.js";
import { BulkTotals } from "./bulk-totals.js";
import type { MeterSaver } from "./meter-save.js";
import type { MeterState, Wanted } from "./meter-state.js";

/** What a slice of ids in no order changes all over the table should fit in, or it is read again and again. */
const CACHE_KIB = 24_000;

interface Bringing {
  readonly at: Instant;
  readonly importId: number;
  readonly book: PriceSource | null;
}

/** Enters records in columns, inside the transaction that is open. */
export class BulkEntry {
  readonly #keys: BulkKeys;
  readonly #rows: BulkRows;
  readonly #totals: BulkTotals;

  constructor(
    raw: Sqlite.Database,
    db: Kysely<Schema>,
    private readonly state: MeterState,
    private readonly saver: MeterSaver,
  ) {
    raw.pragma(`cache_size = -${CACHE_KIB}`);
    this.#keys = new BulkKeys(raw, db);
    this.#rows = new BulkRows(raw, db);
    this.#totals = new BulkTotals(raw, db);
  }

  /** @returns `null` when the records have to go one by one: nothing was written */
  enter(columns: ImportColumns, slice: Slice, by: Bringing): Omit<ColumnsEntered, "waited"> | null {
    const { settings, ownPrices, guardrails, sealedUntil } = this.state.config;
    if (guardrails.length > 0) return null;
    const { from, to } = slice;
    const users = this.#usersOf(columns, slice);
    const span = spanOf(columns.ids, from, to);
    const source = this.state.sourceId(columns.source);
    const entered = enterSlice(columns, slice, {
      settings,
      ownPrices,
      sealedUntil,
      book: by.book,
      userIds: users.ids,
      known: source === undefined ? new Map() : this.#keys.known(source, columns.ids, from, to, span),
      distinct: span.ascending,
    });
    if (entered === null) return null;
    const alerts = this.#alerts(entered, users.names, by.at);
    if (alerts === null) return null;
    if (entered.rows.count > 0) this.#save(columns, entered, alerts, { ...by, inOrder: span.ascending });
    return enteredUpTo(to, entered);
  }

  #usersOf(columns: ImportColumns, slice: Slice) {
    const ids = new Float64Array(columns.users.length);
    const names = new Map<number, string>();
    for (const index of usersIn(columns, slice)) {
      const name = columns.users[index]!;
      const id = this.state.userId(name);
      if (id === null) continue;
      ids[index] = id;
      names.set(id, name);
    }
    return { ids, names };
  }

  #alerts({ windows }: SliceEntered, names: ReadonlyMap<number, string>, at: Instant): Alert[] | null {
    const { settings } = this.state.config;
    const open = openWindows(windows, at, settings);
    const zone = calendar(settings.time_zone);
    const nameOf = (userId: number) => names.get(userId) as string;
    const wanted: Wanted[] = [...new Set(open.map(({ userId }) => userId))].map((userId) => ({
      name: nameOf(userId),
      at,
    }));
    for (const { userId, period, index } of open) {
      if (index === zone.windowAt(period, at).index) continue;
      wanted.push({ name: nameOf(userId), at, ahead: zone.window(period, index).start });
    }
    const users = new Map<number, LedgerUser>();
    for (const user of this.state.load(wanted, true).users.values()) users.set(user.id, user);
    return sliceAlerts(open, users, settings, at);
  }

  #save(
    columns: ImportColumns,
    entered: SliceEntered,
    alerts: readonly Alert[],
    by: Bringing & { readonly inOrder: boolean },
  ): void {
    const { rows, totals, windows } = entered;
    const { at, importId, inOrder } = by;
    const kindIds = Float64Array.from(columns.kinds, (kind) => this.saver.kindId(kind));
    const firstEvent = this.#rows.writeEvents(columns, rows, kindIds, { at, importId });
    const source = this.saver.sourceId(columns.source);
    this.#rows.writeKeys(columns.ids, rows, { source, firstEvent, inOrder });
    this.#totals.write(totals, kindIds);
    this.saver.saveWindows(windows);
    this.saver.saveAlerts(alerts);
    this.state.forgetUsageOf(windows.map(({ userId }) => userId));
  }
}
