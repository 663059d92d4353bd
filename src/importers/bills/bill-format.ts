import type { BillLine, BillMeasure } from "../../domain/bill.js";
import type { Fields, ReadContext, Rejection, Skip } from "../importer.js";

/** A row that bills something. */
export interface BillRow extends BillLine {
  readonly kind: "line";
}

/** A row that says of a day that nothing is billed. */
export interface EmptyDay {
  readonly kind: "empty-day";
  readonly day: number;
}

/** Reads one kind of export that a provider's console offers. Pure: the same fields and context give the same answer. */
export interface BillFormat {
  readonly name: string;
  /** What it is, for sentences: `an Anthropic usage export`. */
  readonly description: string;
  /** Canonical provider name. */
  readonly provider: string;
  readonly measure: BillMeasure;
  /** Whether a row with these columns looks like this format. */
  detect(sample: Fields): boolean;
  read(fields: Fields, context: ReadContext): BillRow | EmptyDay | Rejection | Skip;
}
