import type Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import {
  type CorrectionChanges,
  type CorrectionState,
  type Entry,
  eventKey,
  type LedgerKey,
  type LedgerRow,
  type LedgerState,
  type Operation,
  type SameEvent,
} from "../../domain/ledger-model.js";
import type { CallKind } from "../../domain/usage.js";
import { type EventRow, ledgerRowOf, selectRows } from "../ledger-rows.js";
import type { Schema } from "../schema.js";

/** What the hot path has by heart already. */
interface Numbers {
  sourceId(name: string): number | undefined;
  kindId(kind: CallKind): number;
}

/**
 * Loads and writes what corrects events. A connection that only meters never needs its statements, so they are prepared
 * with the first batch that does.
 */
export class MeterCorrections {
  #statements: ReturnType<typeof correctionStatements> | null = null;

  constructor(
    private readonly raw: Sqlite.Database,
    private readonly db: Kysely<Schema>,
  ) {}

  /** The state of a batch, with all that its corrections need. To be called inside its transaction. */
  load(
    state: LedgerState,
    operations: readonly Operation[],
    numbers: Pick<Numbers, "sourceId">,
  ): LedgerState {
    if (!operations.some(mayCorrect)) return state;
    const keys = new Map<string, LedgerKey>();
    const rows = new Map<number, readonly LedgerRow[]>();
    const add = (key: LedgerKey) => keys.set(eventKey(key.source, key.id), key);
    const loadRows = (event: number) => {
      if (!rows.has(event)) rows.set(event, this.#rows(event));
    };
    for (const operation of operations) {
      if (operation.op === "correct") {
        const { event, correction } = operation;
        loadRows(event);
        if (correction.to !== "undo") continue;
        const key = this.#key(correction, numbers);
        if (key !== undefined) add(key);
        if (key !== undefined && key.providerId !== null)
          for (const again of this.#metAgain(event)) add(again);
      } else if (operation.op === "record" || operation.op === "settle") {
        const { entry } = operation;
        if (entry.supersedes !== true || !state.knownEvents.has(eventKey(entry.source, entry.id))) continue;
        const key = this.#key(entry, numbers);
        if (key === undefined) continue;
        add(key);
        loadRows(key.event);
      }
    }
    return { ...state, corrections: { keys, rows } satisfies CorrectionState };
  }

  save({ rows, keysGone, keysChanged }: CorrectionChanges, numbers: Numbers): void {
    const { addRow, dropKey, changeKey } = this.#prepared();
    for (const row of rows) {
      addRow.run(
        row.userId,
        numbers.kindId(row),
        row.occurredAt,
        row.recordedAt,
        row.input,
        row.cacheRead,
        row.cacheWrite,
        row.output,
        row.reasoning,
        row.images,
        row.requests,
        row.cost,
        row.assumed,
        row.pricedBy,
        row.status === "ok" ? null : row.status,
        row.estimated ? 1 : null,
        row.importId,
        row.corrects,
        row.unpriced,
      );
    }
    for (const { source, id } of keysGone) dropKey.run(numbers.sourceId(source), id);
    for (const { source, id, hash, providerId } of keysChanged) {
      changeKey.run(hash, providerId, numbers.sourceId(source), id);
    }
  }

  /** An identity under which an event was met again. */
  saveSameEvent({ id, hash, importId }: SameEvent, sourceId: number, event: number | undefined): void {
    this.#prepared().addSameKey.run(sourceId, id, hash, event, importId ?? LIVE);
  }

  #key(
    { source, id }: Pick<Entry, "source" | "id">,
    numbers: Pick<Numbers, "sourceId">,
  ): LedgerKey | undefined {
    const sourceId = numbers.sourceId(source);
    const row = sourceId === undefined ? undefined : this.#prepared().key.get(sourceId, id);
    return row === undefined ? undefined : keyOf(row);
  }

  #metAgain(event: number): LedgerKey[] {
    return this.#prepared().metAgain.all(event).map(keyOf);
  }

  #rows(event: number): LedgerRow[] {
    const { row, corrections } = this.#prepared();
    return [...row.all(event), ...corrections.all(event)].map(ledgerRowOf);
  }

  #prepared() {
    this.#statements ??= correctionStatements(this.raw, this.db);
    return this.#statements;
  }
}

/** Stands for live metering where an import met an event again. */
const LIVE = 0;

function mayCorrect(operation: Operation): boolean {
  if (operation.op === "record") return operation.entry.supersedes === true;
  return operation.op === "correct";
}

interface KeyRow {
  readonly source: string;
  readonly id: string;
  readonly hash: number;
  readonly event_id: number;
  readonly provider_id: string | null;
  readonly import_id: number | null;
}

function keyOf({ source, id, hash, event_id, provider_id, import_id }: KeyRow): LedgerKey {
  return { source, id, hash, event: event_id, providerId: provider_id, metAgainBy: import_id };
}

// Stands where a value will be bound.
const ANY = 0;
const TEXT = "";

function correctionStatements(raw: Sqlite.Database, db: Kysely<Schema>) {
  const prepare = <Result>(query: { compile(): { readonly sql: string } }) =>
    raw.prepare<unknown[], Result>(query.compile().sql);
  const keys = db
    .selectFrom("event_key")
    .innerJoin("event_source", "event_source.id", "event_key.source_id")
    .select(["event_source.name as source", "event_key.id", "hash", "event_id", "provider_id", "import_id"]);
  const events = selectRows(db);
  return {
    /** source, id → identity */
    key: prepare<KeyRow>(keys.where("source_id", "=", ANY).where("event_key.id", "=", TEXT)),
    /** event → the other identities under which it was met again */
    metAgain: prepare<KeyRow>(keys.where("event_id", "=", ANY).where("import_id", "is not", null)),
    /** number → event */
    row: prepare<EventRow>(events.where("usage_event.id", "=", ANY)),
    /** number → its corrections */
    corrections: prepare<EventRow>(events.where("corrects", "=", ANY).orderBy("usage_event.id")),
    addRow: prepare(
      db.insertInto("usage_event").values({
        user_id: ANY,
        call_kind_id: ANY,
        occurred_at: ANY,
        recorded_at: ANY,
        input: ANY,
        cache_read: ANY,
        cache_write: ANY,
        output: ANY,
        reasoning: ANY,
        images: ANY,
        requests: ANY,
        cost: ANY,
        assumed: ANY,
        priced_by: "none",
        status: TEXT,
        estimated: ANY,
        import_id: ANY,
        corrects: ANY,
        unpriced: ANY,
      }),
    ),
    dropKey: prepare(db.deleteFrom("event_key").where("source_id", "=", ANY).where("id", "=", TEXT)),
    changeKey: prepare(
      db
        .updateTable("event_key")
        .set({ hash: ANY, provider_id: TEXT })
        .where("source_id", "=", ANY)
        .where("id", "=", TEXT),
    ),
    addSameKey: prepare(
      db
        .insertInto("event_key")
        .values({ source_id: ANY, id: TEXT, hash: ANY, event_id: ANY, import_id: ANY }),
    ),
  };
}
