import { type Bill, BillSums } from "../domain/bill.js";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { BillFormat, BillRow } from "../importers/bills/bill-format.js";
import { detectBill } from "../importers/bills/detect.js";
import { BILL_FORMATS } from "../importers/bills/registry.js";
import { RawIdentities } from "../importers/identity.js";
import { type Problem, type RawRecord, reject } from "../importers/importer.js";
import { CsvReader } from "./csv.js";
import { LineSplitter } from "./lines.js";
import { openSource, type SourceOptions } from "./source.js";

/** How many rejected rows of a file are kept to be shown. */
const KEPT_REJECTS = 5;
const HINT = `Give the CSV that the provider's console exports: ${BILL_FORMATS.map(({ description }) => description).join(", ")}.`;

/** A row that could not be read. */
export interface BillReject extends Problem {
  readonly line: number;
}

/** What was read of one file. */
export interface BillFile {
  /** The path as it was given, or `stdin`. */
  readonly file: string;
  readonly format: string;
  readonly bill: Bill;
  readonly rows: number;
  readonly rejected: number;
  /** The first of them. */
  readonly rejects: readonly BillReject[];
  /** Rows that bill no tokens, but images and the like. */
  readonly skipped: number;
  /** Rows that stand in an earlier file as well, and were counted there. */
  readonly repeated: number;
}

export interface ReadBillsOptions extends SourceOptions {
  /** The present; rows more than 24 hours ahead of it are rejected. */
  readonly now: Instant;
}

/**
 * Reads bills from CSV files, `-` being `stdin`. A row that stands in several files counts once, so that exports may
 * overlap.
 * @throws AlphaError `failed` when a file is no bill or none of its rows can be read, `interrupted` on abort
 */
export async function readBills(paths: readonly string[], options: ReadBillsOptions): Promise<BillFile[]> {
  const seen = new Set<string>();
  const files: BillFile[] = [];
  for (const path of paths) {
    try {
      files.push(await readBill(path, options, seen));
    } catch (error) {
      throw inWordsOfBills(error);
    }
  }
  return files;
}

/** What to do about a file of another kind is told with the command that reads logs. */
function inWordsOfBills(error: unknown): unknown {
  if (!(error instanceof AlphaError) || error.hint?.includes("alpha usage import") !== true) return error;
  const hint = error.hint.replaceAll("alpha usage import", "alpha reconcile");
  return new AlphaError(error.code, error.message, { hint, cause: error });
}

async function readBill(path: string, options: ReadBillsOptions, seen: Set<string>): Promise<BillFile> {
  const source = await openSource(path, options);
  const csv = new CsvReader(source.name);
  const lines = new LineSplitter(csv);
  let reader: BillReader | null = null;
  let isFirst = true;
  for await (const chunk of source.chunks()) {
    if (isFirst) refuseJson(chunk, source.name);
    isFirst = false;
    lines.push(chunk);
    reader ??= readerFor(csv, source.name, options.now);
    for (const record of csv.drain()) reader?.take(record, seen);
  }
  lines.end();
  csv.end();
  reader ??= readerFor(csv, source.name, options.now);
  if (reader === null) throw new AlphaError("failed", `${source.name} is blank.`, { hint: HINT });
  for (const record of csv.drain()) reader.take(record, seen);
  return reader.end(seen);
}

/** Its first line would be taken for the names of columns. */
function refuseJson(head: Buffer, name: string): void {
  if (!/^\s*[[{]/.test(head.toString("latin1"))) return;
  throw new AlphaError("failed", `${name} is JSON, and bills are read as CSV.`, { hint: HINT });
}

/** `null` while the header has not been read. */
function readerFor(csv: CsvReader, name: string, now: Instant): BillReader | null {
  if (csv.header === null) return null;
  const format = detectBill(Object.fromEntries(csv.header.map((column) => [column, ""])));
  if (format !== null) return new BillReader(name, format, now);
  throw new AlphaError(
    "failed",
    `${name} is no bill that alpha can read: its columns are ${csv.header.join(", ")}.`,
    {
      hint: HINT,
    },
  );
}

class BillReader {
  readonly #name: string;
  readonly #format: BillFormat;
  readonly #now: Instant;
  readonly #sums = new BillSums();
  readonly #identities = new RawIdentities();
  /** The rows of this file, which are compared with those of later ones. */
  readonly #ids = new Set<string>();
  readonly #rejects: BillReject[] = [];
  #rows = 0;
  #rejected = 0;
  #skipped = 0;
  #repeated = 0;

  constructor(name: string, format: BillFormat, now: Instant) {
    this.#name = name;
    this.#format = format;
    this.#now = now;
  }

  take(record: RawRecord, seen: ReadonlySet<string>): void {
    this.#rows += 1;
    const row = this.#read(record);
    if (row.kind === "rejection") {
      this.#rejected += 1;
      const { field, reason } = row;
      if (this.#rejects.length < KEPT_REJECTS) this.#rejects.push({ line: record.line, field, reason });
    } else if (row.kind === "skip") {
      this.#skipped += 1;
    } else if (row.kind === "empty-day") {
      this.#sums.cover(row.day);
    } else {
      this.#count(row, this.#identities.next(record), seen);
    }
  }

  #read({ fields, problem }: RawRecord) {
    if (fields !== null) return this.#format.read(fields, { now: this.#now });
    return reject(problem?.field ?? null, problem?.reason ?? "cannot be read");
  }

  #count(row: BillRow, id: string, seen: ReadonlySet<string>): void {
    this.#ids.add(id);
    if (!seen.has(id)) {
      this.#sums.add(row);
      return;
    }
    this.#repeated += 1;
    this.#sums.cover(row.day);
  }

  end(seen: Set<string>): BillFile {
    if (this.#rejected > 0 && this.#rejected === this.#rows) throw this.#unreadable();
    for (const id of this.#ids) seen.add(id);
    return {
      file: this.#name,
      format: this.#format.name,
      bill: this.#sums.bill(this.#format.provider, this.#format.measure),
      rows: this.#rows,
      rejected: this.#rejected,
      rejects: this.#rejects,
      skipped: this.#skipped,
      repeated: this.#repeated,
    };
  }

  #unreadable(): AlphaError {
    const [first] = this.#rejects;
    const where =
      first === undefined ? "" : `; line ${first.line}: ${first.field ?? "the row"} ${first.reason}`;
    return new AlphaError(
      "failed",
      `${this.#name} is ${this.#format.description}, but none of its rows can be read${where}`,
      {
        hint: "Export it again, unchanged.",
      },
    );
  }
}
