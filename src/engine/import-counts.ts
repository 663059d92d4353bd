import type { LedgerEvent } from "../domain/ledger-model.js";
import { totalInput } from "../domain/price.js";

/** What became of the records of one log, or of several. Sums are bigints: one log may hold anything. */
export class ImportCounts {
  /** Records looked at: the sum of the five that follow. */
  records = 0;
  inserted = 0;
  duplicate = 0;
  /** The same id is in the ledger with other content. */
  conflict = 0;
  /** Could not be counted. */
  rejected = 0;
  /** Deliberately not counted. */
  skipped = 0;
  /** Of those inserted, how many no price covers. */
  unpriced = 0;
  /** Of those inserted: input tokens, cached or not. */
  input = 0n;
  output = 0n;
  images = 0n;
  /** Nanos, known. */
  cost = 0n;
  /** Nanos that unpriced usage is assumed to cost. */
  assumed = 0n;

  addInserted(event: LedgerEvent): void {
    this.inserted += 1;
    if (event.pricedBy === "none") this.unpriced += 1;
    this.input += BigInt(totalInput(event));
    this.output += BigInt(event.output);
    this.images += BigInt(event.images);
    this.cost += BigInt(event.cost);
    this.assumed += BigInt(event.assumed);
  }

  /** Records in the ledger, now or before. */
  get good(): number {
    return this.inserted + this.duplicate;
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
      "duplicate",
      "conflict",
      "rejected",
      "skipped",
      "unpriced",
    ] as const) {
      sum[key] += each[key];
    }
    for (const key of ["input", "output", "images", "cost", "assumed"] as const) sum[key] += each[key];
  }
  return sum;
}
