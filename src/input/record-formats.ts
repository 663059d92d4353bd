import { alpha } from "../importers/alpha.js";
import type { Fields, Importer, Problem, RawRecord } from "../importers/importer.js";
import type { Mapping } from "../importers/mapping.js";
import { withMapping } from "../importers/overlay.js";
import { IMPORTERS } from "../importers/registry.js";

/** Tokens at the top of a record: no other format has these, though it may have the rest of the native format. */
const NATIVE_TOKENS = ["input_tokens", "output_tokens"];

/**
 * Tells which importer reads each record of a file. A log may hold responses of several providers, and one format read
 * as another is counted wrongly where both have a field of the same name.
 */
export class RecordFormats {
  readonly #others: readonly Importer[];

  /**
   * @param own the format of the file, as `withMapping` changes it
   * @param isNamed whether the operator has named it
   */
  constructor(
    readonly own: Importer,
    private readonly isNamed: boolean,
    mapping: Mapping | null,
  ) {
    // Of the native format under other names nothing tells what is not one of its records.
    const isAny = own.name === alpha.name && mapping?.renames === true;
    this.#others = isAny
      ? []
      : IMPORTERS.filter(({ name }) => name !== own.name).map((importer) => withMapping(importer, mapping));
  }

  /** Whether the file is of the native format as it is, under its own names. */
  get isNative(): boolean {
    return this.own === alpha;
  }

  /** The importer of a record with these fields, or why none may read it. */
  of({ rejected }: RawRecord, fields: Fields): Importer | ForeignRecord {
    if (!this.isNamed && rejected !== null && rejected.format !== null) {
      const kept = [this.own, ...this.#others].find(({ name }) => name === rejected.format);
      if (kept) return kept;
    }
    if (this.own.detect(fields)) return this.own;
    const other = this.#others.find((importer) => isOf(importer, fields));
    if (!other) return this.own;
    return this.isNamed ? foreign(other.name, this.own.name) : other;
  }
}

/** A record that is recognisably of a format which the operator has not named. */
export interface ForeignRecord extends Problem {
  readonly kind: "foreign";
  readonly format: string;
}

function isOf(importer: Importer, fields: Fields): boolean {
  return (
    importer.detect(fields) &&
    (importer.name !== alpha.name || NATIVE_TOKENS.some((field) => field in fields))
  );
}

function foreign(format: string, named: string): ForeignRecord {
  const reason = `is of the format ${format}, and not ${named}: import it with --format ${format}, or leave --format out`;
  return { kind: "foreign", format, field: null, reason };
}
