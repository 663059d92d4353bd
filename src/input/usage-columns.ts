import { contentHashOf } from "../domain/content-hash.js";
import { PRICED_BY } from "../domain/price-rule.js";
import type { CallKind } from "../domain/usage.js";
import type { UsageEntry } from "./read-usage.js";

/** The most records that are sent at once: a tenth of a second's work for a database. */
export const MOST_RECORDS = 16_384;
const IDS_JOINED = 256;
/** Fewer records in a row that are alike are not worth a transaction of their own. */
const SHORTEST_RUN = 256;

/** In place of what a record does not state, among counts that are at least 0. */
const NOT_STATED = Number.NaN;

const NUMBERS = [
  "occurredAt",
  "input",
  "cacheRead",
  "cacheWrite",
  "output",
  "reasoning",
  "images",
  "requests",
  "cost",
  "assumed",
  "hash",
] as const;
const INDEXES = ["user", "kind", "status", "source", "line", "format", "flags", "pricedBy", "idEnd"] as const;

/** The bits of `flags`. */
export const HAS_OWN_ID = 1;
export const SUPERSEDES = 2;

type Columns = Readonly<Record<(typeof NUMBERS)[number], Float64Array>> &
  Readonly<Record<(typeof INDEXES)[number], Uint32Array>>;

const BYTES = MOST_RECORDS * (NUMBERS.length * 8 + INDEXES.length * 4);

/** Room for one batch of columns, which goes from thread to thread and is used again. */
export function makeRoom(): ArrayBuffer {
  return new ArrayBuffer(BYTES);
}

/**
 * The columns in a room. NaN in `requests` and `cost` stands for what is not stated;
 * `pricedBy` is an index of `PRICED_BY` plus 1, or 0 where `cost` is what the record states.
 */
export function columnsIn(room: ArrayBuffer): Columns {
  let offset = 0;
  const take = <T>(make: (at: number) => T, bytes: number): T => {
    const column = make(offset);
    offset += bytes * MOST_RECORDS;
    return column;
  };
  const numbers = NUMBERS.map((name) => [name, take((at) => new Float64Array(room, at, MOST_RECORDS), 8)]);
  const indexes = INDEXES.map((name) => [name, take((at) => new Uint32Array(room, at, MOST_RECORDS), 4)]);
  return Object.fromEntries([...numbers, ...indexes]) as Columns;
}

/** Records one after the other that are alike. */
export interface Run {
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  /** Whether all are of one source, none has a provider's id or is estimated, and none replaces another. */
  readonly isPlain: boolean;
}

/** Records in columns, as one thread sends them to another. */
export interface PackedRecords {
  readonly room: ArrayBuffer;
  readonly count: number;
  readonly runs: readonly Run[];
  /** All ids, one after the other. */
  readonly ids: string;
  /** Empty where a record names none. */
  readonly users: readonly string[];
  readonly kinds: readonly CallKind[];
  readonly statuses: readonly string[];
  readonly sources: readonly string[];
  readonly formats: readonly string[];
  /** Of each record; `null` where none has one. */
  readonly providerIds: readonly (string | null)[] | null;
  /** Whether any record says how it was priced. */
  readonly isPriced: boolean;
  /** The places of those whose amounts are estimated. */
  readonly estimated: readonly number[];
}

/** Puts records into columns. */
export class ColumnsPacker {
  readonly #columns: Columns;
  #count = 0;
  /** Ids that were joined, so that few of them outlive the pieces they came with. */
  readonly #joined: string[] = [];
  #ids: string[] = [];
  #idChars = 0;
  readonly #users = new Names();
  readonly #statuses = new Names();
  readonly #sources = new Names();
  readonly #formats = new Names();
  readonly #kinds = new Kinds();
  #providerIds: (string | null)[] | null = null;
  #isPriced = false;
  readonly #estimated: number[] = [];
  readonly #runs: Run[] = [];
  #runFrom = 0;
  /** What the records of the run have in common: the number of their source, or -1 where they are not plain. */
  #runOf = -1;

  constructor(private readonly room: ArrayBuffer) {
    this.#columns = columnsIn(room);
  }

  get count(): number {
    return this.#count;
  }

  add({ draft, format, source, id, hasOwnId, supersedes, record }: UsageEntry): void {
    const columns = this.#columns;
    const at = this.#count++;
    columns.occurredAt[at] = draft.occurredAt;
    columns.input[at] = draft.input;
    columns.cacheRead[at] = draft.cacheRead;
    columns.cacheWrite[at] = draft.cacheWrite;
    columns.output[at] = draft.output;
    columns.reasoning[at] = draft.reasoning;
    columns.images[at] = draft.images;
    columns.requests[at] = draft.requests ?? NOT_STATED;
    const { priced, estimated = false } = draft;
    columns.cost[at] = draft.cost ?? priced?.cost ?? NOT_STATED;
    columns.pricedBy[at] = priced === undefined ? 0 : PRICED_BY.indexOf(priced.pricedBy) + 1;
    if (priced !== undefined) {
      columns.assumed[at] = priced.assumed;
      this.#isPriced = true;
    }
    if (estimated) this.#estimated.push(at);
    columns.user[at] = this.#users.indexOf(draft.user ?? "");
    const kind = this.#kinds.indexOf(draft);
    columns.kind[at] = kind;
    columns.hash[at] = draft.hash ?? contentHashOf(draft, this.#kinds.all[kind] as CallKind);
    columns.status[at] = this.#statuses.indexOf(draft.status);
    const sourceAt = this.#sources.indexOf(source);
    columns.source[at] = sourceAt;
    columns.line[at] = record.line;
    columns.format[at] = this.#formats.indexOf(format);
    columns.flags[at] = (hasOwnId ? HAS_OWN_ID : 0) | (supersedes ? SUPERSEDES : 0);
    if (this.#ids.push(id) === IDS_JOINED) this.#joinIds();
    this.#idChars += id.length;
    columns.idEnd[at] = this.#idChars;

    if (draft.providerId !== null) this.#providerIds ??= [];
    if (this.#providerIds !== null) this.#providerIds[at] = draft.providerId;
    const run = supersedes || estimated || draft.providerId !== null ? -1 : sourceAt;
    if (run !== this.#runOf) {
      this.#endRun(at);
      this.#runOf = run;
    }
  }

  pack(): PackedRecords {
    const count = this.#count;
    this.#endRun(count);
    this.#joinIds();
    // Those before the first that has one have none, and a hole would not be sent as null.
    const providerIds = this.#providerIds && Array.from(this.#providerIds, (id) => id ?? null);
    return {
      room: this.room,
      count,
      runs: this.#runs,
      ids: this.#joined.join(""),
      users: this.#users.all,
      kinds: this.#kinds.all,
      statuses: this.#statuses.all,
      sources: this.#sources.all,
      formats: this.#formats.all,
      providerIds,
      isPriced: this.#isPriced,
      estimated: this.#estimated,
    };
  }

  #joinIds(): void {
    this.#joined.push(this.#ids.join(""));
    this.#ids = [];
  }

  #endRun(to: number): void {
    const from = this.#runFrom;
    if (from === to) return;
    this.#runFrom = to;
    // A short run is worth its own transaction only where it is all there is.
    const isAlone = from === 0 && to === this.#count;
    const isPlain = this.#runOf >= 0 && (isAlone || to - from >= SHORTEST_RUN);
    const before = this.#runs.at(-1);
    if (isPlain || before === undefined || before.isPlain) this.#runs.push({ from, to, isPlain });
    else this.#runs[this.#runs.length - 1] = { from: before.from, to, isPlain };
  }
}

/** Texts by the number of their first appearance. */
class Names {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();
  #last = "";
  #lastNumber = -1;

  indexOf(name: string): number {
    // In many logs most records say the same.
    if (name === this.#last && this.#lastNumber >= 0) return this.#lastNumber;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.all.length;
      this.all.push(name);
      this.#numbers.set(name, number);
    }
    this.#last = name;
    this.#lastNumber = number;
    return number;
  }
}

class Kinds {
  readonly all: CallKind[] = [];
  readonly #byModel = new Map<string, number[]>();

  indexOf({ provider, model, feature }: CallKind): number {
    let numbers = this.#byModel.get(model);
    if (numbers === undefined) {
      numbers = [];
      this.#byModel.set(model, numbers);
    }
    for (const number of numbers) {
      const kind = this.all[number] as CallKind;
      if (kind.provider === provider && kind.feature === feature) return number;
    }
    numbers.push(this.all.length);
    return this.all.push({ provider, model, feature }) - 1;
  }
}
