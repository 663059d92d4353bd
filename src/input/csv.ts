import { AlphaError } from "../errors.js";
import type { Fields, Problem, RawRecord } from "../importers/importer.js";
import { ByteLine, type QuickEntry } from "./byte-lines.js";
import { type Delimiter, detectDelimiter, parseQuoted, QUOTE, scanQuotes } from "./csv-text.js";
import { type LineSink, MAX_RECORD_BYTES } from "./lines.js";
import { QuickCsv } from "./quick-csv.js";

/** How much may be read again after quotation marks that are never closed; bounds the work. */
const MAX_REREAD = 4 * MAX_RECORD_BYTES;
const UNCLOSED = "opens a quotation mark that is never closed";
const MISPLACED = "is not valid CSV: a quotation mark is out of place";
/** Only delimiters and blanks: a blank row. */
const BLANK = /^[\s,;"]*$/;

/** The first character of nearly every row: such a row is not blank. */
const NOT_BLANK = /^\w/;

/** A row whose canonical text is only made when somebody needs it. */
class CsvRecord implements RawRecord {
  fields: Fields | null = null;
  problem: Problem | null = null;
  readonly rejected = null;

  constructor(
    readonly line: number,
    private readonly text: string,
    private readonly columns: Columns | null,
  ) {}

  /** Splits a row without quotes. */
  fill(): void {
    if (this.fields !== null || this.problem !== null || this.columns === null) return;
    this.fields = this.columns.split(this.text);
    if (this.fields === null) {
      this.problem = this.columns.problemOf(this.text.split(this.columns.delimiter).length);
    }
  }

  get raw(): string {
    const fields = this.fields ?? (this.problem === null ? this.columns?.read(this.text) : null);
    return fields ? JSON.stringify(fields) : this.text;
  }

  keep(): this {
    this.fields = null;
    return this;
  }
}

/** The columns that a header names. */
class Columns {
  /** A row of which nothing is known: copying it is cheaper than adding its fields one by one. */
  readonly #blank: Fields;

  constructor(
    readonly header: readonly string[],
    readonly delimiter: Delimiter,
  ) {
    this.#blank = Object.fromEntries(header.map((column) => [column, ""]));
  }

  /** The fields of a row, quoted or not; `null` when it has more or fewer than the header, or is not valid. */
  read(text: string): Fields | null {
    if (!text.includes(QUOTE)) return this.split(text);
    const row = parseQuoted([text], this.delimiter)[0];
    return row ? this.name(row) : null;
  }

  /** The same for a row without quotes. */
  split(text: string): Fields | null {
    const { header, delimiter } = this;
    const fields: Record<string, unknown> = { ...this.#blank };
    const last = header.length - 1;
    let from = 0;
    for (let i = 0; i < last; i++) {
      const end = text.indexOf(delimiter, from);
      if (end < 0) return null;
      fields[header[i]!] = text.slice(from, end);
      from = end + 1;
    }
    if (text.indexOf(delimiter, from) >= 0) return null;
    fields[header[last]!] = text.slice(from);
    return fields;
  }

  name(row: readonly string[]): Fields | null {
    const { header } = this;
    if (row.length !== header.length) return null;
    const fields: Record<string, unknown> = { ...this.#blank };
    for (let i = 0; i < row.length; i++) fields[header[i]!] = row[i]!;
    return fields;
  }

  problemOf(fields: number): Problem {
    return { field: null, reason: `has ${fields} fields where the header has ${this.header.length}` };
  }
}

/** A record whose quoted field goes on over the next lines. */
interface OpenRecord {
  readonly line: number;
  readonly lines: { readonly text: string; readonly problem: string | null }[];
  length: number;
}

/**
 * Reads CSV with a header row. Rows without quotes, which are nearly all, are simply split; the others go through the
 * CSV parser. Line breaks inside quoted fields become LF. `name` is the file's, for errors of the header.
 */
export class CsvReader implements LineSink {
  readonly #name: string;
  #columns: Columns | null = null;
  #delimiter: Delimiter = ",";
  #records: (CsvRecord | ByteLine)[] = [];
  /** The records of this batch that contain quotes, and their texts. */
  #quoted: CsvRecord[] = [];
  #quotedTexts: string[] = [];
  #open: OpenRecord | null = null;
  #reread = 0;
  #quick: { readonly csv: QuickCsv; readonly entry: QuickEntry } | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  /** The column names; `null` before the header was read. */
  get header(): readonly string[] | null {
    return this.#columns?.header ?? null;
  }

  line(text: string, number: number): void {
    this.#take(text, number, null);
  }

  badLine(text: string, number: number, reason: string): void {
    this.#take(text, number, reason);
  }

  /** From now on the records of plain rows are in `entry` as well, each until the next one is read. */
  quicken(entry: QuickEntry): void {
    const csv = this.header && QuickCsv.under(this.header, this.#delimiter, entry.native);
    this.#quick = csv && { csv, entry };
  }

  /** Where there are quotation marks, it matters to the lines after them how they end. */
  takesBytes(block: Buffer): boolean {
    return this.#quick !== null && this.#open === null && !block.includes(QUOTE);
  }

  byteLine(block: Buffer, start: number, end: number, number: number): void {
    this.#records.push(new ByteLine(block, start, end, number, this.#rawOf));
  }

  /** The records since the last call. Throws `failed` when the header is unusable. */
  drain(): RawRecord[] {
    return [...this.take()];
  }

  /** The same, each of them read when it is asked for. */
  take(): Iterable<RawRecord> {
    const rows = parseQuoted(this.#quotedTexts, this.#delimiter);
    for (const [i, record] of this.#quoted.entries()) {
      const row = rows[i];
      if (!row) {
        record.problem = { field: null, reason: MISPLACED };
        continue;
      }
      record.fields = this.#columns?.name(row) ?? null;
      if (record.fields === null) record.problem = this.#columns?.problemOf(row.length) ?? null;
    }
    const records = this.#records;
    this.#records = [];
    this.#quoted = [];
    this.#quotedTexts = [];
    return this.#filled(records);
  }

  /** Ends the last record, which may have been cut off inside quotes. */
  end(): void {
    while (this.#open) this.#giveUp(this.#open, UNCLOSED);
  }

  #take(text: string, number: number, problem: string | null): void {
    if (this.#open) {
      this.#continue(this.#open, text, problem);
      return;
    }
    if (text.trim() === "" && problem === null) return;
    if (!this.#columns) this.#delimiter = detectDelimiter(text) ?? ",";
    if (text.includes(QUOTE) && scanQuotes(text, this.#delimiter, false) === "inside") {
      this.#open = { line: number, lines: [{ text, problem }], length: text.length };
    } else {
      this.#complete(text, number, problem);
    }
  }

  #continue(open: OpenRecord, text: string, problem: string | null): void {
    open.lines.push({ text, problem });
    open.length += text.length + 1;
    const state = scanQuotes(text, this.#delimiter, true);
    if (state === "broken") {
      this.#giveUp(open, MISPLACED);
    } else if (state === "outside") {
      this.#open = null;
      const whole = open.lines.map((line) => line.text).join("\n");
      this.#complete(whole, open.line, open.lines.find((line) => line.problem)?.problem ?? null);
    } else if (open.length > MAX_RECORD_BYTES) {
      this.#giveUp(open, UNCLOSED);
    }
  }

  #complete(text: string, line: number, problem: string | null): void {
    const columns = this.#columns;
    if (!columns) {
      this.#columns = new Columns(this.#readHeader(text, problem), this.#delimiter);
      return;
    }
    const record = new CsvRecord(line, text, columns);
    if (problem !== null) {
      record.problem = { field: null, reason: problem };
    } else if (text.includes(QUOTE)) {
      this.#quoted.push(record);
      this.#quotedTexts.push(text);
    } else if (!NOT_BLANK.test(text) && isBlank(text, this.#delimiter)) {
      return;
    }
    this.#records.push(record);
  }

  /** Rejects the line that opens a quoted field without an end, and reads those after it as records of their own. */
  #giveUp(open: OpenRecord, reason: string): void {
    this.#open = null;
    if (!this.#columns) throw this.#badHeader(reason);
    const [first, ...rest] = open.lines;
    const record = new CsvRecord(open.line, first?.text ?? "", null);
    record.problem = { field: null, reason };
    this.#records.push(record);
    this.#reread += open.length;
    if (this.#reread > MAX_REREAD) return;
    for (const [i, { text, problem }] of rest.entries()) this.#take(text, open.line + 1 + i, problem);
  }

  *#filled(records: readonly (CsvRecord | ByteLine)[]): Generator<RawRecord, void, undefined> {
    for (const record of records) {
      if (record instanceof CsvRecord) {
        record.fill();
        yield record;
      } else if (this.#quick?.csv.read(record) === true) {
        this.#quick.entry.record = record;
        yield record;
      } else {
        const { text, line } = record;
        if (isBlank(text, this.#delimiter)) continue;
        const row = new CsvRecord(line, text, this.#columns);
        row.fill();
        yield row;
      }
    }
  }

  readonly #rawOf = (text: string): string => {
    const fields = this.#columns?.split(text) ?? null;
    return fields === null ? text : JSON.stringify(fields);
  };

  #readHeader(text: string, problem: string | null): string[] {
    if (problem !== null) throw this.#badHeader(problem);
    const row = parseQuoted([text], this.#delimiter)[0];
    if (!row) throw this.#badHeader(MISPLACED);
    const header = row.map((column) => column.trim());
    const twice = header.find((column, i) => column !== "" && header.indexOf(column) !== i);
    if (twice !== undefined) throw this.#badHeader(`has two columns named "${twice}"`);
    return header;
  }

  #badHeader(reason: string): AlphaError {
    return new AlphaError("failed", `The header line of ${this.#name} ${reason}.`, {
      hint: "The first line of a CSV file names its columns, in UTF-8, each name once.",
    });
  }
}

function isBlank(text: string, delimiter: Delimiter): boolean {
  return text.split(delimiter, 1)[0]?.trim() === "" && BLANK.test(text);
}
