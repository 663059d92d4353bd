import { contentHash } from "../domain/content-hash.js";
import type { Entry } from "../domain/ledger-model.js";
import { AlphaError } from "../errors.js";
import { audit, type Engine } from "./engine.js";
import { type Enter, type Entered, recordOf } from "./entering.js";
import { ImportCounts } from "./import-counts.js";
import type { ImportOptions, LogImport } from "./ingest.js";
import type { Newcomers } from "./newcomers.js";
import type { BroughtCalls } from "./overlaps.js";
import type { Rating } from "./rating.js";
import type { LogBatch, LoggedUsage, RejectedUsage, UsageLog } from "./usage-log.js";

/** Records in one transaction: long enough to be quick, short enough for a call that wants the lock in between. */
const SLICE = 400;
const REJECTS_SHOWN = 5;
const MOST_NAMES = 1000;
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

/** Stands for the format of logs that tell none, beside the names of formats. */
const NO_FORMAT = "log";

/** Imports one log. */
export class LogImporter {
  readonly #counts = new ImportCounts();
  readonly #unknownUsers = new Map<string, number>();
  readonly #firstRejects: RejectedUsage[] = [];
  #number: number | null = null;
  #format: string | null = null;

  constructor(
    private readonly parts: ImportParts,
    private readonly log: UsageLog,
    private readonly onProgress: (counts: ImportCounts, bytesRead: number) => void,
  ) {}

  async run(): Promise<LogImport> {
    const error = await this.#read();
    const { good, bad } = this.#counts;
    const nothingGood = error === null && good === 0 && bad > 0 ? this.#everyRecordBad() : null;
    // A database that failed just now would fail again.
    if (this.#number !== null && error?.code !== "database") await this.#finish(this.#number, error);
    return {
      file: this.log.name,
      number: this.#number,
      counts: this.#counts,
      unknownUsers: this.#unknownUsers,
      rejects: this.#firstRejects,
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
    const counts = this.#counts;
    const { rating, options } = this.parts;
    const rejects = [...batch.rejects];
    this.#format = batch.format;
    counts.rejected += batch.rejects.length;
    for (const { reason } of batch.skipped) counts.addSkipped(reason);
    counts.records += batch.rejects.length + batch.skipped.length;
    await rating.prepare(batch.records.map(({ draft }) => draft));
    for (let from = 0; from < batch.records.length; from += SLICE) {
      if (options.signal?.aborted === true) break;
      const slice = batch.records.slice(from, from + SLICE);
      rejects.push(...(await this.#takeSlice(slice)));
      counts.records += slice.length;
      this.onProgress(counts, batch.bytesRead);
    }
    if (batch.records.length === 0) this.onProgress(counts, batch.bytesRead);
    for (const reject of rejects.sort((a, b) => a.line - b.line)) {
      if (this.#firstRejects.length < REJECTS_SHOWN) this.#firstRejects.push(reject);
      options.onReject?.(reject);
    }
  }

  async #takeSlice(slice: readonly LoggedUsage[]): Promise<RejectedUsage[]> {
    const rejects: RejectedUsage[] = [];
    const named: Named[] = [];
    const owners = slice.map(({ draft }) => this.parts.options.user ?? draft.user);
    await this.parts.newcomers?.meet(owners.filter((user) => user !== null));
    for (const [index, logged] of slice.entries()) {
      const user = owners[index] ?? null;
      const wrong = user === null ? NO_USER : this.#reasonAgainst(user);
      if (user !== null && wrong === null) named.push({ logged, user });
      else rejects.push(this.#reject(logged, "user", wrong ?? NO_USER));
    }
    const outcomes = named.length === 0 ? [] : await this.#enter(named);
    for (const [index, { logged, user }] of named.entries()) {
      const reject = this.#count(logged, user, outcomes[index] as Entered);
      if (reject !== null) rejects.push(reject);
    }
    return rejects;
  }

  #reasonAgainst(user: string): string | null {
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
      if (this.#counts.good > 0 || tried.some(isGood)) await newcomers?.admit(users, true);
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

  #entry({ draft, source, id, supersedes }: LoggedUsage, user: string): Entry {
    return {
      user,
      source,
      id,
      hash: contentHash(draft),
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
      status: draft.status,
      requests: draft.requests,
      estimated: false,
      importId: this.#number,
      supersedes: supersedes === true,
    };
  }

  #count(logged: LoggedUsage, user: string, outcome: Entered): RejectedUsage | null {
    const counts = this.#counts;
    switch (outcome.status) {
      case "inserted":
        if (outcome.event !== null) {
          counts.addInserted(outcome.event);
          this.parts.brought.add(this.#format ?? NO_FORMAT, outcome.event);
        }
        return null;
      case "superseded":
        if (outcome.event !== null) counts.addSuperseded(outcome.event);
        return null;
      case "duplicate":
        counts.duplicate += 1;
        return null;
      case "conflict":
        counts.conflict += 1;
        // Without an id of its own the record is known by its text, which has then been read in another way before.
        return logged.occurrence === null
          ? this.#toReject(
              logged,
              "id",
              `is in the ledger already with other content: ${JSON.stringify(logged.id)}`,
            )
          : this.#toReject(logged, null, "was imported before, for another user or with other options");
      case "user-unknown":
        this.#countUnknown(user);
        return this.#reject(logged, "user", `is unknown: ${JSON.stringify(user)}`);
      case "refused":
        return this.#reject(logged, null, `cannot be counted: ${outcome.reason}`);
    }
  }

  #reject(logged: LoggedUsage, field: string | null, reason: string): RejectedUsage {
    this.#counts.rejected += 1;
    return this.#toReject(logged, field, reason);
  }

  #toReject(
    { record: { line, raw }, occurrence }: LoggedUsage,
    field: string | null,
    reason: string,
  ): RejectedUsage {
    return { file: this.log.name, line, field, reason, occurrence, raw };
  }

  #countUnknown(name: string): void {
    const count = this.#unknownUsers.get(name);
    if (count !== undefined || this.#unknownUsers.size < MOST_NAMES) {
      this.#unknownUsers.set(name, (count ?? 0) + 1);
    }
  }

  #start(): Promise<number> {
    const { engine, options } = this.parts;
    return engine.store.write((tx) =>
      tx.records.startImport({
        at: engine.now(),
        actor: engine.actor,
        file: this.log.name,
        format: this.#format,
        options: JSON.stringify({ ...options.readAs, user: options.user }),
      }),
    );
  }

  #finish(number: number, error: AlphaError | null): Promise<void> {
    const { engine } = this.parts;
    const { inserted, superseded, duplicate, bad, skipped, unpriced } = this.#counts;
    const counts = { inserted, superseded, duplicate, rejected: bad, skipped };
    const format = this.#format;
    return engine.store.write(async (tx) => {
      const at = engine.now();
      await tx.records.finishImport(number, { at: error === null ? at : null, ...counts });
      await audit(engine, tx, at, {
        action: "usage.import",
        subject: `import:${number}`,
        after: { file: this.log.name, format, ...counts, unpriced, complete: error === null },
      });
    });
  }

  #interrupted(): AlphaError {
    return new AlphaError("interrupted", `Importing ${this.log.name} was interrupted.`);
  }

  #everyRecordBad(): AlphaError {
    const { bad } = this.#counts;
    const [first] = this.#firstRejects;
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
