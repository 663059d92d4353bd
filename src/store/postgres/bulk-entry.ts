import type { Alert } from "../../domain/alert.js";
import type { ColumnsEntered, ImportColumns } from "../../domain/import-columns.js";
import { type IdSpan, spanOf } from "../../domain/import-ids.js";
import {
  enterSlice,
  openWindows,
  type Slice,
  type SliceEntered,
  type SliceRows,
  sliceAlerts,
} from "../../domain/ledger-import.js";
import type { LedgerUser } from "../../domain/ledger-model.js";
import type { CallKind } from "../../domain/usage.js";
import { calendar } from "../../domain/window.js";
import type { MeterStore } from "../../engine/ports.js";
import { enteredUpTo, usersIn } from "../slice-entry.js";
import { BulkKeys, type KeyQuestion } from "./bulk-keys.js";
import { eventRows, keyRows, type NumberOf } from "./bulk-rows.js";
import { addsCells, addsWindows } from "./bulk-totals.js";
import type { Rows, Statement } from "./meter-client.js";
import type { Traces } from "./meter-fate.js";
import { type Loaded, type Loading, loading } from "./meter-load.js";
import type { Config } from "./meter-memory.js";
import type { InternedNames, Numbers } from "./meter-names.js";
import { Patience } from "./meter-patience.js";
import { savesAlerts } from "./meter-save.js";
import type { Ask, Decided, Locked, MeterTransactions, MeterWork } from "./meter-transactions.js";

type Bringing = Parameters<MeterStore["enterColumns"]>[2];

/** A slice that is in the ledger. */
export interface EnteredSlice {
  readonly entered: Omit<ColumnsEntered, "waited">;
  /** How long its transaction waited for its locks. */
  readonly waitedMs: number;
  /** Whether somebody waited for it at its end. */
  readonly isContended: boolean;
}

/** Enters records in columns, a slice in one transaction. */
export class BulkEntry {
  readonly #keys = new BulkKeys();

  constructor(
    private readonly transactions: MeterTransactions,
    private readonly waitMs: number,
  ) {}

  /**
   * A slice is large, and nobody waits for its answer but the import.
   * @returns `null` when the records have to go one by one: nothing was written
   */
  enter(columns: ImportColumns, slice: Slice, by: Bringing): Promise<EnteredSlice | null> {
    const work = new SliceWork(columns, slice, by, this.#keys, this.transactions.names);
    return this.transactions.run(work, new Patience(this.waitMs, 3 * this.waitMs));
  }
}

interface LoadedSlice extends Loaded {
  /** Content hashes by id; `null`: each id has to be asked for. */
  readonly known: ReadonlyMap<string, number> | null;
  /** With their windows that have not ended, by their numbers; empty where the slice reaches none. */
  readonly users: ReadonlyMap<number, LedgerUser>;
}

class SliceWork implements MeterWork<LoadedSlice, EnteredSlice> {
  readonly names: readonly string[];
  readonly #users: readonly number[];
  readonly #span: IdSpan;
  readonly #question: KeyQuestion;

  constructor(
    private readonly columns: ImportColumns,
    private readonly slice: Slice,
    private readonly by: Bringing,
    private readonly keys: BulkKeys,
    private readonly interned: InternedNames,
  ) {
    this.#users = usersIn(columns, slice);
    this.names = this.#users.map((index) => columns.users[index]!);
    this.#span = spanOf(columns.ids, slice.from, slice.to);
    this.#question = keys.asks(columns, slice, this.#span);
  }

  load(config: Config): Loading<LoadedSlice> | null {
    if (config.guardrails.length > 0) return null;
    const { from, to } = this.slice;
    const instants = this.#reachesRunning(config) ? [this.by.at] : [];
    const ahead = [...this.columns.occurredAt.subarray(from, to).filter((at) => at > this.by.at)];
    const wanted = { names: this.names, instants, ahead, sources: [], ids: [], providerIds: [] };
    const { userIds, asked, read } = loading(wanted, config);
    // What is used in windows that have not ended tells the thresholds that are crossed, and nothing else.
    const usage = instants.length === 0 ? [] : asked;
    return {
      userIds,
      asked: [this.#question.asked, ...usage],
      read: ([keys = [], ...rest]) => {
        const { state, ...loaded } = read(rest);
        const users = new Map([...state.users.values()].map((user) => [user.id, user]));
        return { ...loaded, users, known: this.keys.known(keys, this.#question) };
      },
    };
  }

  async decide(locked: Locked<LoadedSlice>, ask: Ask): Promise<Decided<EnteredSlice> | null> {
    const { columns, slice } = this;
    const { settings, ownPrices, sealedUntil, users } = locked.config;
    const userIds = new Float64Array(columns.users.length);
    for (const index of this.#users) userIds[index] = users.get(columns.users[index]!)?.id ?? 0;
    const entered = enterSlice(columns, slice, {
      settings,
      ownPrices,
      sealedUntil,
      book: this.by.book,
      userIds,
      known: locked.loaded.known ?? (await this.#askForEach(ask)),
      distinct: this.#span.ascending,
    });
    if (entered === null) return null;
    const { at } = this.by;
    const open = openWindows(entered.windows, at, settings);
    const alerts = sliceAlerts(open, locked.loaded.users, settings, at);
    return alerts === null ? null : this.#write(entered, alerts, locked, ask);
  }

  /** Or goes beyond them. The month that runs has the day in it. */
  #reachesRunning({ settings }: Config): boolean {
    const { start } = calendar(settings.time_zone).windowAt("month", this.by.at);
    const { from, to } = this.slice;
    return this.columns.occurredAt.subarray(from, to).some((at) => at >= start);
  }

  async #askForEach(ask: Ask): Promise<ReadonlyMap<string, number>> {
    const { each } = this.#question;
    const [rows = []] = await ask([each]);
    return new Map(rows.map(({ id, hash }) => [id, hash]));
  }

  async #write(
    entered: SliceEntered,
    alerts: readonly Alert[],
    { waitedMs }: Locked<LoadedSlice>,
    ask: Ask,
  ): Promise<Decided<EnteredSlice>> {
    const { columns, by, slice } = this;
    const { rows, totals, windows } = entered;
    const names = this.interned.of(...namesOf(columns, rows));
    const writes: Decided<EnteredSlice>["writes"][number][] = [];
    if (rows.count > 0) {
      if (names.asked.length > 0) names.learn(await ask(names.asked));
      const source = names.sourceId(columns.source);
      const kinds = kindNumbers(columns, rows, names);
      const events = await this.#numberEvents(rows.count, ask);
      writes.push(
        // First, so that the server is at work on them while the rows are written.
        ...addsWindows(windows),
        ...addsCells(totals, kinds),
        eventRows(columns, rows, { at: by.at, importId: by.importId, kinds, events }),
        keyRows(columns.ids, rows, { source, events, inOrder: this.#span.ascending }),
        ...savesAlerts(alerts),
      );
    }
    return {
      writes: [...writes, { statement: IS_WAITED_FOR }],
      names,
      traces: { events: tracesOf(columns, rows), holdsPut: [], holdsGone: [] },
      result: (answers) => ({
        entered: enteredUpTo(slice.to, entered),
        waitedMs,
        isContended: answers.at(-1)?.[0]?.contended === true,
      }),
    };
  }

  /** New numbers: they follow one another, unless somebody else has taken some between. */
  async #numberEvents(count: number, ask: Ask): Promise<NumberOf> {
    const [[{ first, last }]] = (await ask([{ statement: NUMBERS, values: [count] }])) as [Rows];
    if (last - first === count - 1) return (row) => first + row;
    const [[{ each }]] = (await ask([{ statement: EACH_NUMBER, values: [count] }])) as [Rows];
    return (row) => Number(each[row]);
  }
}

/** The names that the rows refer to. */
function namesOf(columns: ImportColumns, rows: SliceRows): [sources: string[], kinds: CallKind[]] {
  if (rows.count === 0) return [[], []];
  return [[columns.source], kindsOf(columns, rows).map((kind) => columns.kinds[kind]!)];
}

/** As indexes of the columns' kinds. */
function kindsOf({ kind }: ImportColumns, { record, count }: SliceRows): number[] {
  const kinds = new Set<number>();
  for (let row = 0; row < count; row++) kinds.add(kind[record[row]!]!);
  return [...kinds];
}

function kindNumbers(columns: ImportColumns, rows: SliceRows, names: Numbers): Float64Array {
  const numbers = new Float64Array(columns.kinds.length);
  for (const kind of kindsOf(columns, rows)) numbers[kind] = names.kindId(columns.kinds[kind]!);
  return numbers;
}

/** One event tells as much as all do. */
function tracesOf({ source, ids }: ImportColumns, { record, count }: SliceRows): Traces["events"] {
  return count === 0 ? [] : [{ source, id: ids[record[0]!]! }];
}

const TAKEN = "(select nextval('usage_event_id_seq') as number from generate_series(1, $1::bigint)) as taken";

const NUMBERS: Statement = {
  name: "alpha_event_numbers",
  text: `select min(number) as first, max(number) as last from ${TAKEN}`,
};

const EACH_NUMBER: Statement = {
  name: "alpha_each_event_number",
  text: `select array_agg(number order by number) as each from ${TAKEN}`,
};

/** Whoever waits for a user waits for the transaction that has locked them. */
const IS_WAITED_FOR: Statement = {
  name: "alpha_is_waited_for",
  text: `select exists (
      select from pg_locks
      where locktype = 'transactionid' and not granted and transactionid = pg_current_xact_id()::xid
    ) as contended`,
};
