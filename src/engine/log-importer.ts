import { contentHash } from "../domain/content-hash.js";
import { type ColumnsEntered, ENTERED, type ImportColumns } from "../domain/import-columns.js";
import type { Entry } from "../domain/ledger-model.js";
import { AlphaError } from "../errors.js";
import { audit, type Engine } from "./engine.js";
import { type Enter, type Entered, recordOf } from "./entering.js";
import type { ImportCounts } from "./import-counts.js";
import { ImportTally, type Uncounted } from "./import-tally.js";
import type { ImportOptions, LogImport } from "./ingest.js";
import type { Newcomers } from "./newcomers.js";
import type { BroughtCalls } from "./overlaps.js";
import type { Rating } from "./rating.js";
import type {
  LogBatch,
  LoggedColumns,
  LoggedRun,
  LoggedUsage,
  RejectedUsage,
  UsageLog,
} from "./usage-log.js";

/** Records in one transaction: long enough to be quick, short enough for a call that wants the lock in between. */
const SLICE = 400;
/** Records that tell whether anything of a log counts, before those after them go in columns. */
const FIRST_SLICE = 8;
const NO_USER = "is missing, and --user is not given";

/** What the imports of several logs share. */
export interface ImportParts {
  readonly engine: Engine;
  readonly options: ImportOptions;
  readonly rating: Rating;
  readonly enter: Enter;
  readonly probe: Enter;
  /** Onboards whom the logs name; `null`: their records are rejected. */
  readonly newcomers: Newcomers | null;
  readonly brought: BroughtCalls;
}

/** A record with whose it is. */
interface Named {
  readonly logged: LoggedUsage;
  readonly user: string;
}

/** Imports one log. */
export class LogImporter {
  readonly #tally: ImportTally;
  #number: number | null = null;
  /** Whether plain records may go in columns. */
  #inColumns: boolean;

  constructor(
    private readonly parts: ImportParts,
    private readonly log: UsageLog,
    private readonly onProgress: (counts: ImportCounts, bytesRead: number) => void,
  ) {
    this.#tally = new ImportTally(log.name, parts.brought);
    this.#inColumns = parts.options.dryRun !== true;
  }

  async run(): Promise<LogImport> {
    const error = await this.#read();
    const { counts, unknownUsers, firstRejects, waited } = this.#tally;
    const { good, bad } = counts;
    const nothingGood = error === null && good === 0 && bad > 0 ? this.#everyRecordBad() : null;
    // A database that failed just now would fail again.
    if (this.#number !== null && error?.code !== "database") await this.#finish(this.#number, error);
    return {
      file: this.log.name,
      number: this.#number,
      counts,
      unknownUsers,
      rejects: firstRejects,
      waited,
      error: error ?? nothingGood,
    };
  }

  async #read(): Promise<AlphaError | null> {
    const { signal } = this.parts.options;
    try {
      for await (const batch of this.log.read()) {
        await this.#take(batch);
        if (signal?.aborted === true) throw this.#interrupted();
      }
      return null;
    } catch (error) {
      if (error instanceof AlphaError) return error;
      throw error;
    }
  }

  async #take(batch: LogBatch): Promise<void> {
    const { counts } = this.#tally;
    const { options } = this.parts;
    this.#tally.format = batch.format;
    counts.rejected += batch.rejects.length;
    counts.records += batch.rejects.length;
    for (const { reason, records = 1 } of batch.skipped) {
      counts.addSkipped(reason, records);
      counts.records += records;
    }
    const uncounted: Uncounted[] = [...batch.rejects];
    let isTold = false;
    const told = () => {
      isTold = true;
      this.onProgress(counts, batch.bytesRead);
    };
    for (let from = 0; from < batch.records.length && options.signal?.aborted !== true; from += SLICE) {
      add(uncounted, await this.#takeSlice(batch.records.slice(from, from + SLICE)));
      told();
    }
    for (const run of batch.columns?.runs ?? []) {
      for (let from = run.from; from < run.to && options.signal?.aborted !== true; told()) {
        from = await this.#takeRun(batch.columns as LoggedColumns, run, from, uncounted);
      }
    }
    if (!isTold) told();
    for (const reject of await withTexts(uncounted.sort(byLine), batch.columns)) {
      this.#tally.keep(reject);
      options.onReject?.(reject);
    }
  }

  /**
   * Takes the next records of a run.
   * @param uncounted where those that are not counted are added
   * @returns one past the last that was taken
   */
  async #takeRun(
    columns: LoggedColumns,
    run: LoggedRun,
    from: number,
    uncounted: Uncounted[],
  ): Promise<number> {
    const { plain } = run;
    if (plain !== null && this.#inColumns && this.#number !== null) {
      const entered = await this.#enterColumns(plain, from - run.from, this.#number);
      if (entered !== null) {
        add(uncounted, this.#countColumns(columns, run.from, from - run.from, entered));
        return run.from + entered.to;
      }
      this.#inColumns = false;
    }
    const most = this.#inColumns && this.#tally.counts.records === 0 ? FIRST_SLICE : SLICE;
    const to = Math.min(run.to, from + most);
    add(
      uncounted,
      await this.#takeSlice(Array.from({ length: to - from }, (_, index) => columns.at(from + index))),
    );
    return to;
  }

  async #enterColumns(plain: ImportColumns, from: number, importId: number): Promise<ColumnsEntered | null> {
    const { engine, rating, newcomers, options } = this.parts;
    const { user } = options;
    const columns =
      user === undefined ? plain : { ...plain, users: [user], user: new Uint32Array(plain.count) };
    if (newcomers !== null) {
      const names = namesIn(columns);
      await newcomers.meet(names);
      await newcomers.admit(names, false);
    }
    const book = await rating.bookFor(columns);
    return engine.store.meter.enterColumns(columns, from, { at: engine.now(), importId, book });
  }

  /** @param offset where the records of the run begin among `columns` */
  #countColumns(columns: LoggedColumns, offset: number, from: number, entered: ColumnsEntered): Uncounted[] {
    const { to, outcome, refusals } = entered;
    this.#tally.countColumns(entered);
    this.#tally.counts.records += to - from;
    const uncounted: Uncounted[] = [];
    for (let at = from; at < to; at += 1) {
      const status = ENTERED[outcome[at - from] as number] as (typeof ENTERED)[number];
      if (status === "inserted") continue;
      if (status === "duplicate") {
        this.#tally.counts.duplicate += 1;
        continue;
      }
      const logged = columns.at(offset + at);
      const user = this.parts.options.user ?? logged.draft.user;
      const wrong = status === "user-unknown" ? this.#reasonAgainst(user) : null;
      const reason = refusals.get(at) ?? "";
      const reject =
        user === null || wrong !== null
          ? this.#tally.reject(logged, "user", wrong ?? NO_USER)
          : this.#tally.count(
              logged,
              user,
              status === "refused" ? { status, reason } : { status, event: null },
            );
      if (reject !== null) uncounted.push(reject);
    }
    return uncounted;
  }

  async #takeSlice(slice: readonly LoggedUsage[]): Promise<Uncounted[]> {
    const rejects: Uncounted[] = [];
    const named: Named[] = [];
    const owners = slice.map(({ draft }) => this.parts.options.user ?? draft.user);
    await this.parts.rating.prepare(slice.map(({ draft }) => draft));
    await this.parts.newcomers?.meet(owners.filter((user) => user !== null));
    for (const [index, logged] of slice.entries()) {
      const user = owners[index] ?? null;
      const wrong = this.#reasonAgainst(user);
      if (user !== null && wrong === null) named.push({ logged, user });
      else rejects.push(this.#tally.reject(logged, "user", wrong ?? NO_USER));
    }
    const outcomes = named.length === 0 ? [] : await this.#enter(named);
    for (const [index, { logged, user }] of named.entries()) {
      const reject = this.#tally.count(logged, user, outcomes[index] as Entered);
      if (reject !== null) rejects.push(reject);
    }
    this.#tally.counts.records += slice.length;
    return rejects;
  }

  /** Why nobody can have a record; `null` where somebody may. */
  #reasonAgainst(user: string | null): string | null {
    if (user === null) return NO_USER;
    const reason = this.parts.newcomers?.reasonAgainst(user) ?? null;
    return reason === null ? null : `is unknown and cannot be added: ${reason}`;
  }

  async #enter(named: readonly Named[]): Promise<readonly Entered[]> {
    const { engine, enter, probe, newcomers, options } = this.parts;
    const at = engine.now();
    const operations = () => named.map(({ logged, user }) => recordOf(this.#entry(logged, user), at));
    const users = named.map(({ user }) => user);
    if (options.dryRun === true) {
      const tried = await enter(operations());
      if (this.#tally.counts.good > 0 || tried.some(isGood)) await newcomers?.admit(users, true);
      return tried;
    }
    if (this.#number === null) {
      // A log of which nothing can be counted must leave no trace, not even that an import was begun.
      const probed = await probe(operations());
      if (!probed.some(isGood)) return probed;
      this.#number = await this.#start();
    }
    await newcomers?.admit(users, false);
    return enter(operations());
  }

  #entry({ draft, source, id, supersedes, hash }: LoggedUsage, user: string): Entry {
    return {
      user,
      source,
      id,
      hash: hash ?? draft.hash ?? contentHash(draft),
      providerId: draft.providerId,
      provider: draft.provider,
      model: draft.model,
      feature: draft.feature,
      occurredAt: draft.occurredAt,
      input: draft.input,
      cacheRead: draft.cacheRead,
      cacheWrite: draft.cacheWrite,
      output: draft.output,
      reasoning: draft.reasoning,
      images: draft.images,
      cost: draft.cost,
      rates: this.parts.rating.rates(draft),
      priced: draft.priced,
      status: draft.status,
      requests: draft.requests,
      estimated: draft.estimated === true,
      importId: this.#number,
      supersedes: supersedes === true,
    };
  }

  #start(): Promise<number> {
    const { engine, options } = this.parts;
    return engine.store.write((tx) =>
      tx.records.startImport({
        at: engine.now(),
        actor: engine.actor,
        file: this.log.name,
        format: this.#tally.format,
        options: JSON.stringify({ ...options.readAs, user: options.user }),
      }),
    );
  }

  #finish(number: number, error: AlphaError | null): Promise<void> {
    const { engine } = this.parts;
    const { inserted, superseded, duplicate, bad, skipped, unpriced } = this.#tally.counts;
    const counts = { inserted, superseded, duplicate, rejected: bad, skipped };
    const format = this.#tally.format;
    return engine.store.write(async (tx) => {
      const at = engine.now();
      await tx.records.finishImport(number, { at: error === null ? at : null, ...counts });
      await audit(engine, tx, at, {
        action: "usage.import",
        subject: `import:${number}`,
        after: { file: this.log.name, format, ...counts, unpriced, complete: error === null },
        // Usage counts without being told of; who imports many files would have everything read again for each.
        decides: false,
      });
    });
  }

  #interrupted(): AlphaError {
    return new AlphaError("interrupted", `Importing ${this.log.name} was interrupted.`);
  }

  #everyRecordBad(): AlphaError {
    const { bad } = this.#tally.counts;
    const [first] = this.#tally.firstRejects;
    const where = first === undefined ? "" : ` (line ${first.line}: ${sentence(first)})`;
    return new AlphaError(
      "failed",
      bad === 1
        ? `The only record of ${this.log.name} cannot be counted${where}.`
        : `None of the ${bad} records of ${this.log.name} can be counted${where}.`,
      { hint: "Nothing of it was imported. To look at the records, keep them with --rejects FILE." },
    );
  }
}

function isGood({ status }: Entered): boolean {
  return status === "inserted" || status === "superseded" || status === "duplicate";
}

function sentence({ field, reason }: RejectedUsage): string {
  return `${field ?? "the record"} ${reason}`;
}

/** Adds to a list what may be more than a call takes arguments. */
function add<T>(list: T[], more: readonly T[]): void {
  for (const each of more) list.push(each);
}

function byLine(a: Uncounted, b: Uncounted): number {
  return a.line - b.line;
}

/** Records with their texts in place of where these are to be had. */
async function withTexts(
  records: readonly Uncounted[],
  columns: LoggedColumns | undefined,
): Promise<RejectedUsage[]> {
  const places = records.flatMap(({ raw }) => (typeof raw === "number" ? [raw] : []));
  const texts = places.length === 0 ? [] : ((await columns?.texts(places)) ?? []);
  let asked = 0;
  return records.map((record) => {
    const raw = typeof record.raw === "number" ? texts[asked++] : record.raw;
    return { ...record, raw: raw ?? "" };
  });
}

/** Whom the records name, in their order. */
function namesIn({ user, users }: ImportColumns): string[] {
  return [...new Set(user)].map((index) => users[index] ?? "").filter((name) => name !== "");
}
