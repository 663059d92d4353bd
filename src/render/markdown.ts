import { sanitize } from "./sanitize.js";
import type { CellValue, Table } from "./table.js";

/**
 * A GitHub-flavoured Markdown table of machine values; totals follow in bold, notes as paragraphs. A table without
 * rows is its sentence. Data is escaped: it can neither break the table nor bring markup or HTML of its own.
 */
export function renderMarkdown<Row>(table: Table<Row>): string {
  const body = table.rows.length === 0 ? `${escapeMarkdown(table.empty)}\n` : tableText(table);
  const notes = (table.notes ?? []).map((note) => `\n${escapeMarkdown(note)}\n`);
  return body + notes.join("");
}

function tableText<Row>({ columns, rows, foot = [] }: Table<Row>): string {
  const cellsOf = (row: Row) => columns.map((column) => cellText((column.value ?? column.text)(row)));
  const bold = (cell: string) => (cell === "" ? "" : `**${cell}**`);
  return [
    columns.map(({ key }) => escapeMarkdown(key)),
    columns.map(({ align }) => (align === "right" ? "---:" : "---")),
    ...rows.map(cellsOf),
    ...foot.map((row) => cellsOf(row).map(bold)),
  ]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");
}

function cellText(value: CellValue): string {
  return value === null ? "" : escapeMarkdown(String(value).trim());
}

/** Text as Markdown shows it verbatim, on one line. An underscore inside a word is left: it is no markup there. */
export function escapeMarkdown(text: string): string {
  return sanitize(text.replaceAll("\r\n", "\n"), "\n")
    .replace(/[\\`*[\]<>|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=#?\w+;)/gu, "\\$&")
    .replaceAll("\n", "<br>");
}
