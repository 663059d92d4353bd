import { renderCsv } from "./csv.js";
import { renderMarkdown } from "./markdown.js";
import { type CellValue, renderTable, type Table, type TableOptions } from "./table.js";

/** The formats that a table alone decides; JSON is written by each view, since its shape is a contract. */
export type TableFormat = "table" | "csv" | "markdown";

/** A table in one of its formats, newline-terminated. `options` matter to `"table"` only. */
export function render<Row>(table: Table<Row>, format: TableFormat, options: TableOptions): string {
  switch (format) {
    case "table":
      return renderTable(table, options);
    case "csv":
      return renderCsv(table);
    case "markdown":
      return renderMarkdown(table);
  }
}

/** The rows as flat records of machine values under the columns' keys. Totals are left out. */
export function toRecords<Row>(table: Table<Row>): Record<string, CellValue>[] {
  return table.rows.map((row) =>
    Object.fromEntries(table.columns.map((column) => [column.key, (column.value ?? column.text)(row)])),
  );
}
