import { sanitize } from "./sanitize.js";
import type { CellValue, Table } from "./table.js";

const FORMULA_START = /^[=+\-@\t\r＝＋－＠]/;
const PLAIN_NUMBER = /^-?\d+(?:\.\d+)?$/;
const NEEDS_QUOTES = /[",\r\n]/;

export interface CsvOptions {
  /**
   * What becomes of text that a spreadsheet would run as a formula (it starts with `=`, `+`, `-` or `@`): `"quote"`,
   * the default, puts an apostrophe before it, since names and models come from logs that others write; `"keep"`
   * leaves it, for files that only a program reads. Numbers, and texts that are nothing but a decimal number, stay
   * numbers either way.
   */
  readonly formulas?: "quote" | "keep";
}

/**
 * CSV as in RFC 4180, with `\n` line ends: the header, also when there are no rows, then the rows' machine values.
 * Totals and notes are left out. Line breaks and tabs in data stay, quoted; other control characters are escaped
 * visibly, since a file may be shown on a terminal.
 */
export function renderCsv<Row>(table: Table<Row>, options: CsvOptions = {}): string {
  const header = csvLine(
    table.columns.map(({ key }) => key),
    options,
  );
  const rows = table.rows.map((row) =>
    csvLine(
      table.columns.map((column) => (column.value ?? column.text)(row)),
      options,
    ),
  );
  return header + rows.join("");
}

/** One CSV record with its line end, for exports that are written row by row. `null` is an empty cell; NaN and Infinity throw. */
export function csvLine(values: readonly CellValue[], { formulas = "quote" }: CsvOptions = {}): string {
  const cells = values.map((value) => {
    if (value === null) return "";
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new TypeError(`a cell is ${value}, which CSV cannot say`);
    }
    if (typeof value !== "string") return String(value);
    const isFormula = formulas === "quote" && FORMULA_START.test(value) && !PLAIN_NUMBER.test(value);
    const text = sanitize(isFormula ? `'${value}` : value, "\n\t");
    return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  // A record of one empty cell would be an empty line, which readers skip.
  return cells.length === 1 && cells[0] === "" ? '""\n' : `${cells.join(",")}\n`;
}
