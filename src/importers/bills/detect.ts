import type { Fields } from "../importer.js";
import type { BillFormat } from "./bill-format.js";
import { BILL_FORMATS } from "./registry.js";

/** The kind of bill of which this is a row. */
export function detectBill(fields: Fields): BillFormat | null {
  return BILL_FORMATS.find((format) => format.detect(fields)) ?? null;
}

/**
 * The kind of bill of which a record is a row, for a sentence: `an Anthropic usage export`; `null`: it is none. A bill
 * names neither testers nor calls, so that it is reconciled and never imported.
 */
export function billFormatOf(fields: Fields): string | null {
  return detectBill(fields)?.description ?? null;
}
