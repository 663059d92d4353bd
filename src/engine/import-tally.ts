import type { ColumnsEntered } from "../domain/import-columns.js";
import type { Entered } from "./entering.js";
import { ImportCounts } from "./import-counts.js";
import type { BroughtCalls } from "./overlaps.js";
import { sealedReason } from "./sealing.js";
import type { LoggedUsage, RejectedUsage } from "./usage-log.js";

const REJECTS_SHOWN = 5;
const MOST_NAMES = 1000;

/** Stands for the format of logs that tell none, beside the names of formats. */
const NO_FORMAT = "log";

/** A record that is not counted, with its text or its place in the columns that know it. */
export type Uncounted = Omit<RejectedUsage, "raw"> & Pick<LoggedUsage["record"], "raw">;

/** What became of the records of one log. */
export class ImportTally {
  readonly counts = new ImportCounts();
  readonly unknownUsers = new Map<string, number>();
  readonly firstRejects: RejectedUsage[] = [];
  format: string | null = null;
  /** How long slices gave way to other writers, in milliseconds. */
  waited = 0;

  constructor(
    private readonly file: string,
    private readonly brought: BroughtCalls,
  ) {}

  /** @returns the record, where it is not counted */
  count(logged: LoggedUsage, user: string, outcome: Entered): Uncounted | null {
    const { counts } = this;
    switch (outcome.status) {
      case "inserted":
        if (outcome.event !== null) {
          counts.addInserted(outcome.event);
          this.brought.add(this.format ?? NO_FORMAT, outcome.event);
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
        return logged.hasOwnId
          ? this.#uncounted(
              logged,
              "id",
              `is in the ledger already with other content: ${JSON.stringify(logged.id)}`,
            )
          : this.#uncounted(logged, null, "was imported before, for another user or with other options");
      case "sealed":
        return this.reject(logged, "timestamp", sealedReason(logged.draft.occurredAt));
      case "user-unknown":
        this.#countUnknown(user);
        return this.reject(logged, "user", `is unknown: ${JSON.stringify(user)}`);
      case "refused":
        return this.reject(logged, null, `cannot be counted: ${outcome.reason}`);
    }
  }

  reject(logged: LoggedUsage, field: string | null, reason: string): Uncounted {
    this.counts.rejected += 1;
    return this.#uncounted(logged, field, reason);
  }

  /** Keeps the first of those rejected. */
  keep(reject: RejectedUsage): void {
    if (this.firstRejects.length < REJECTS_SHOWN) this.firstRejects.push(reject);
  }

  /** What was inserted; the rest is for `count`. */
  countColumns({ inserted, brought, waited }: ColumnsEntered): void {
    this.waited += waited;
    this.counts.addColumns(inserted);
    for (const calls of brought) this.brought.addMany(this.format ?? NO_FORMAT, calls);
  }

  #uncounted(
    { record: { line, raw }, format, id, hasOwnId }: LoggedUsage,
    field: string | null,
    reason: string,
  ): Uncounted {
    return { file: this.file, line, field, reason, identity: hasOwnId ? null : id, format, raw };
  }

  #countUnknown(name: string): void {
    const count = this.unknownUsers.get(name);
    if (count !== undefined || this.unknownUsers.size < MOST_NAMES) {
      this.unknownUsers.set(name, (count ?? 0) + 1);
    }
  }
}
