import { AlphaError } from "../errors.js";
import { alpha } from "../importers/alpha.js";
import { billFormatOf } from "../importers/bills/detect.js";
import type { Fields, Importer, RawRecord } from "../importers/importer.js";
import { columnsOf, type Mapping } from "../importers/mapping.js";
import { withMapping } from "../importers/overlay.js";
import { IMPORTERS } from "../importers/registry.js";
import { RecordFormats } from "./record-formats.js";

/** A record that could be parsed. */
export type ParsedRecord = RawRecord & { readonly fields: Fields };

/**
 * Tells the format of a file from its first records, or takes the one that was named; records from a rejects file have
 * one already. Throws `failed` when it cannot,
 * when the file is a provider's bill, and when `--map` names a column that the file has not.
 */
export function chooseImporter(
  file: string,
  records: readonly Pick<ParsedRecord, "fields" | "rejected">[],
  named: Importer | null,
  mapping: Mapping | null,
): RecordFormats {
  const sample = records.map(({ fields }) => fields);
  const bill = named || mapping?.renames ? null : billIn(sample);
  if (bill !== null) {
    throw new AlphaError(
      "failed",
      `${file} is a provider's bill, ${bill}: it names neither testers nor calls.`,
      {
        hint: `To hold it against the ledger: alpha reconcile ${file === "stdin" ? "FILE" : `'${file}'`}`,
      },
    );
  }
  mapping?.checkColumns(named?.flatten ? sample.map(named.flatten) : sample, file);
  const found = named ?? (mapping?.renames ? null : keptFormat(records)) ?? detect(sample, mapping);
  if (found) return new RecordFormats(withMapping(found, mapping), named !== null, mapping);

  const columns = columnsOf(sample).join(", ");
  if (mapping) {
    const other = detect(sample, null);
    throw new AlphaError(
      "failed",
      `With this mapping ${file} has no timestamp, or no tokens, images or cost.`,
      {
        hint: other
          ? `To read it as ${other.name}, with these fields in place of its own, add --format ${other.name}.`
          : `Map a column to timestamp and one to input_tokens, output_tokens, images or cost_usd. Its columns are ${columns}.`,
      },
    );
  }
  const names = IMPORTERS.map(({ name }) => name).join(", ");
  throw new AlphaError("failed", `The format of ${file} cannot be told from its columns: ${columns}.`, {
    hint: `Name the format with --format (${names}), or say what its columns mean: --map timestamp=COLUMN --map input_tokens=COLUMN …`,
  });
}

/** Which bill these are rows of; `null`: none. */
function billIn(sample: readonly Fields[]): string | null {
  const [bill = null, ...others] = sample.map(billFormatOf);
  return others.includes(null) ? null : bill;
}

/** The format that the first record from a rejects file was read in. */
function keptFormat(records: readonly Pick<RawRecord, "rejected">[]): Importer | null {
  const kept = records.find(({ rejected }) => rejected !== null && rejected.format !== null);
  return IMPORTERS.find(({ name }) => name === kept?.rejected?.format) ?? null;
}

/** Columns that are given other names make a log one of the native format, and so may constants. */
function detect(sample: readonly Fields[], mapping: Mapping | null): Importer | undefined {
  const candidates = mapping?.renames ? [alpha] : IMPORTERS;
  return candidates.find((importer) => sample.some(withMapping(importer, mapping).detect));
}
