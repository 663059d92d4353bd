import type { ColumnsEntered } from "../domain/import-columns.js";
import type { LedgerEvent } from "../domain/ledger-model.js";
import { totalInput } from "../domain/price.js";
import { unpricedOf } from "../domain/total-deltas.js";

/** Reasons for skipping that are told apart; formats have a handful. */
const MOST_REASONS = 20;
const OTHER_REASON = "other reasons";

/** What became of the records of one log, or of several. Sums are bigints: one log may hold anything. */
export class ImportCounts {
  /** Records looked at: the sum of the six that follow. */
  records = 0;
  inserted = 0;
  /** Replaced an earlier record of the same id, as the format says. */
  superseded = 0;
  duplicate = 0;
  /** The same id is in the ledger with other content. */
  conflict = 0;
  /** Could not be counted. */
  rejected = 0;
  /** Deliberately not counted. */
  skipped = 0;
  readonly skippedBy = new Map<string, number>();
  /** Of those inserted, how many no price covers. */
  unpriced = 0;
  /** Of those inserted, and the difference that superseding made: input tokens, cached or not. */
  input = 0n;
  output = 0n;
  images = 0n;
  /** Nanos, known. */
  cost = 0n;
  /** Nanos that unpriced usage is assumed to cost. */
  assumed = 0n;

  addInserted(event: LedgerEvent): void {
    this.inserted += 1;
    this.#add(event);
  }

  addColumns({ count, unpriced, input, output, images, cost, assumed }: ColumnsEntered["inserted"]): void {
    this.inserted += count;
    this.unpriced += unpriced;
    this.input += input;
    this.output += output;
    this.images += images;
    this.cost += cost;
    this.assumed += assumed;
  }

  /** @param difference to what stood in the ledger before */
  addSuperseded(difference: LedgerEvent): void {
    this.superseded += 1;
    this.#add(difference);
  }

  #add(event: LedgerEvent): void {
    this.unpriced += unpricedOf(event);
    this.input += BigInt(totalInput(event));
    this.output += BigInt(event.output);
    this.images += BigInt(event.images);
    this.cost += BigInt(event.cost);
    this.assumed += BigInt(event.assumed);
  }

  addSkipped(reason: string, records = 1): void {
    const known = this.skippedBy.has(reason) || this.skippedBy.size < MOST_REASONS;
    const key = known ? reason : OTHER_REASON;
    this.skipped += records;
    this.skippedBy.set(key, (this.skippedBy.get(key) ?? 0) + records);
  }

  /** Records in the ledger, now or before. */
  get good(): number {
    return this.inserted + this.superseded + this.duplicate;
  }

  get bad(): number {
    return this.conflict + this.rejected;
  }
}

export function sumOf(all: readonly ImportCounts[]): ImportCounts {
  const sum = new ImportCounts();
  for (const each of all) {
    for (const key of [
      "records",
      "inserted",
      "superseded",
      "duplicate",
      "conflict",
      "rejected",
      "unpriced",
    ] as const) {
      sum[key] += each[key];
    }
    for (const [reason, records] of each.skippedBy) sum.addSkipped(reason, records);
    for (const key of ["input", "output", "images", "cost", "assumed"] as const) sum[key] += each[key];
  }
  return sum;
}
