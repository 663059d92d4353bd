import { AlphaError } from "../errors.js";
import type { Fields, RawRecord } from "../importers/importer.js";
import { CsvReader } from "./csv.js";
import { detectDelimiter } from "./csv-text.js";
import { JsonlReader } from "./jsonl.js";
import type { LineSink } from "./lines.js";

export const CONTAINERS = ["jsonl", "csv"] as const;
/** How a log holds its records. */
export type Container = (typeof CONTAINERS)[number];

/** Turns lines into raw records; tells JSONL from CSV by the first line that is not blank, unless told which. */
export class RecordReader implements LineSink {
  readonly #name: string;
  readonly #forced: Container | null;
  #reader: JsonlReader | CsvReader | null = null;

  /** `name` is the file's, for errors. */
  constructor(name: string, forced: Container | null) {
    this.#name = name;
    this.#forced = forced;
  }

  line(text: string, number: number): void {
    if (this.#reader) this.#reader.line(text, number);
    else if (text.trim() !== "") this.#open(text).line(text, number);
  }

  badLine(text: string, number: number, reason: string): void {
    (this.#reader ?? this.#open(text)).badLine(text, number, reason);
  }

  /** The records since the last call. */
  drain(): RawRecord[] {
    return this.#reader?.drain() ?? [];
  }

  end(): void {
    this.#reader?.end();
  }

  /** Whether every line so far was blank. */
  get isBlank(): boolean {
    return this.#reader === null;
  }

  /** The header of a CSV file as a record with nothing in it; `null` for JSONL. */
  headerFields(): Fields | null {
    const header = this.#reader instanceof CsvReader ? this.#reader.header : null;
    return header && Object.fromEntries(header.map((column) => [column, ""]));
  }

  #open(first: string): JsonlReader | CsvReader {
    const container = this.#forced ?? this.#detect(first.trim());
    this.#reader = container === "jsonl" ? new JsonlReader() : new CsvReader(this.#name);
    return this.#reader;
  }

  #detect(first: string): Container {
    if (first.startsWith("[")) {
      throw new AlphaError("failed", `${this.#name} is one JSON array; alpha reads one JSON object a line.`, {
        hint: "Rewrite it, for example with: jq -c '.[]'",
      });
    }
    if (first === "{") {
      throw new AlphaError(
        "failed",
        `${this.#name} spreads JSON over several lines; alpha reads one object a line.`,
        {
          hint: "Rewrite it, for example with: jq -c .",
        },
      );
    }
    if (first.startsWith("{")) return "jsonl";
    if (detectDelimiter(first) !== null) return "csv";
    throw new AlphaError("failed", `${this.#name} looks like neither JSONL nor CSV.`, {
      hint: "JSONL has one JSON object a line; CSV a header line with commas, semicolons or tabs. If it is one of them, say which with --format jsonl or --format csv.",
    });
  }
}
