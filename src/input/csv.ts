import { AlphaError } from "../errors.js";
import type { Fields, Problem, RawRecord } from "../importers/importer.js";
import { type Delimiter, detectDelimiter, parseQuoted, scanQuotes } from "./csv-text.js";
import { type LineSink, MAX_RECORD_BYTES } from "./lines.js";

/** How much may be read again after quotation marks that are never closed; bounds the work. */
const MAX_REREAD = 4 * MAX_RECORD_BYTES;
const UNCLOSED = "opens a quotation mark that is never closed";
const MISPLACED = "is not valid CSV: a quotation mark is out of place";
/** Only delimiters and blanks: a blank row. */
const BLANK = /^[\s,;"]*$/;

/** A row whose canonical text is only made when somebody needs it. */
class CsvRecord implements RawRecord {
  readonly line: number;
  fields: Fields | null = null;
  problem: Problem | null = null;
  readonly occurrence = null;
  readonly #text: string;

  constructor(line: number, text: string) {
    this.line = line;
    this.#text = text;
  }

  get raw(): string {
    return this.fields ? JSON.stringify(this.fields) : this.#text;
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
  #header: string[] | null = null;
  #delimiter: Delimiter = ",";
  #records: CsvRecord[] = [];
  /** The records of this batch that contain quotes, and their texts. */
  #quoted: CsvRecord[] = [];
  #quotedTexts: string[] = [];
  #open: OpenRecord | null = null;
  #reread = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** The column names; `null` before the header was read. */
  get header(): readonly string[] | null {
    return this.#header;
  }

  line(text: string, number: number): void {
    this.#take(text, number, null);
  }

  badLine(text: string, number: number, reason: string): void {
    this.#take(text, number, reason);
  }

  /** The records since the last call. Throws `failed` when the header is unusable. */
  drain(): RawRecord[] {
    const rows = parseQuoted(this.#quotedTexts, this.#delimiter);
    for (const [i, record] of this.#quoted.entries()) {
      const row = rows[i];
      if (row) this.#fill(record, row);
      else record.problem = { field: null, reason: MISPLACED };
    }
    const records = this.#records;
    this.#records = [];
    this.#quoted = [];
    this.#quotedTexts = [];
    return records;
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
    if (!this.#header) this.#delimiter = detectDelimiter(text) ?? ",";
    if (text.includes('"') && scanQuotes(text, this.#delimiter, false) === "inside") {
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
    if (!this.#header) {
      this.#header = this.#readHeader(text, problem);
      return;
    }
    const record = new CsvRecord(line, text);
    if (problem !== null) {
      record.problem = { field: null, reason: problem };
    } else if (text.includes('"')) {
      this.#quoted.push(record);
      this.#quotedTexts.push(text);
    } else {
      const row = text.split(this.#delimiter);
      if (row[0]?.trim() === "" && BLANK.test(text)) return;
      this.#fill(record, row);
    }
    this.#records.push(record);
  }

  /** Rejects the line that opens a quoted field without an end, and reads those after it as records of their own. */
  #giveUp(open: OpenRecord, reason: string): void {
    this.#open = null;
    if (!this.#header) throw this.#badHeader(reason);
    const [first, ...rest] = open.lines;
    const record = new CsvRecord(open.line, first?.text ?? "");
    record.problem = { field: null, reason };
    this.#records.push(record);
    this.#reread += open.length;
    if (this.#reread > MAX_REREAD) return;
    for (const [i, { text, problem }] of rest.entries()) this.#take(text, open.line + 1 + i, problem);
  }

  #fill(record: CsvRecord, row: readonly string[]): void {
    const header = this.#header ?? [];
    if (row.length !== header.length) {
      const reason = `has ${row.length} fields where the header has ${header.length}`;
      record.problem = { field: null, reason };
      return;
    }
    const fields: Record<string, string> = {};
    for (let i = 0; i < row.length; i++) fields[header[i]!] = row[i]!;
    record.fields = fields;
  }

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
