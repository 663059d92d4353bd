import { type ColumnLayout, layOutColumns } from "./columns.js";
import { type Field, fieldLines } from "./fields.js";
import { sanitize } from "./sanitize.js";
import type { Style } from "./style.js";
import { wrap } from "./text.js";
import { displayWidth, shorten } from "./width.js";

/** What one cell says to a machine. */
export type CellValue = string | number | bigint | boolean | null;

/** One column: what it says to people (`text`), how that looks (`paint`) and what it says to machines (`value`). */
export interface Column<Row> {
  /** The column's name in CSV, Markdown and records: snake_case. */
  readonly key: string;
  /** The column's name on the terminal. */
  readonly header: string;
  readonly align?: "left" | "right";
  /** 1, the default, is never dropped on a narrow terminal; the higher the number, the sooner it goes. */
  readonly priority?: number;
  /** May be shortened with an ellipsis. Never for numbers: a number cut short is another number. */
  readonly truncate?: boolean;
  /** How many cells a `truncate` column keeps while others can still be dropped. Default: its header's, at least 8. */
  readonly minWidth?: number;
  readonly text: (row: Row) => string;
  /** Colours the text, which may have been shortened. Colours only: the width must stay. */
  readonly paint?: (text: string, row: Row, style: Style) => string;
  /** Default: `text`. */
  readonly value?: (row: Row) => CellValue;
}

/** A table, before it is decided how it is printed. */
export interface Table<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** What more is said of each row, on a line of its own below it; for people. Empty: nothing. */
  readonly below?: (row: Row) => string;
  /** Totals, under a rule. For people: CSV and records leave them out, so that a column can be added up. */
  readonly foot?: readonly Row[];
  /** The sentence that stands for a table without rows. */
  readonly empty: string;
  /** Sentences under the table. */
  readonly notes?: readonly string[];
  /** Does not say which columns had no room: on a screen that only has the most important ones. */
  readonly quiet?: boolean;
}

export interface TableOptions {
  /** The terminal's width in cells; null off a terminal: every column, nothing shortened, nothing wrapped. */
  readonly width: number | null;
  readonly style: Style;
}

const GAP = "  ";
const MIN_SHORTENED_WIDTH = 8;

/** A sanitised text and its width, which is measured once. */
interface Cell {
  readonly text: string;
  readonly width: number;
}

interface Line<Row> {
  readonly row: Row;
  readonly cells: readonly Cell[];
}

/**
 * A table for people. Never wider than `width` (20 or more): columns are shortened, then dropped, and a line under
 * the table says which. Where not even the columns that may not be dropped fit side by side, every row becomes a block of
 * labelled values. What was data is sanitised.
 */
export function renderTable<Row>(table: Table<Row>, options: TableOptions): string {
  const lines = [...bodyLines(table, options), ...noteLines(table.notes ?? [], options)];
  return lines.map((line) => `${line}\n`).join("");
}

function bodyLines<Row>(table: Table<Row>, options: TableOptions): string[] {
  if (table.rows.length === 0) return sentence(table.empty, options.width);
  const { columns } = table;
  const toLine = (row: Row): Line<Row> => ({
    row,
    cells: columns.map((column) => toCell(column.text(row))),
  });
  const body = table.rows.map(toLine);
  const foot = (table.foot ?? []).map(toLine);

  const headers = columns.map(({ header }) => toCell(header));
  const natural = headers.map(({ width }) => width);
  for (const { cells } of [...body, ...foot]) {
    cells.forEach((cell, index) => {
      natural[index] = Math.max(natural[index]!, cell.width);
    });
  }
  const layout = layOut(columns, natural, options.width);
  return layout === null
    ? blockLines(table, body, foot, options)
    : gridLines(table, headers, body, foot, layout, options);
}

function layOut<Row>(
  columns: readonly Column<Row>[],
  natural: readonly number[],
  width: number | null,
): ColumnLayout | null {
  if (width === null) return { kept: columns.map((_, index) => index), widths: natural };
  const sizes = columns.map(({ header, truncate = false, minWidth, priority = 1 }, index) => ({
    natural: natural[index]!,
    least: truncate ? (minWidth ?? Math.max(MIN_SHORTENED_WIDTH, displayWidth(header))) : null,
    priority,
  }));
  return layOutColumns(sizes, width, GAP.length);
}

function gridLines<Row>(
  { columns, quiet = false, below }: Table<Row>,
  headers: readonly Cell[],
  body: readonly Line<Row>[],
  foot: readonly Line<Row>[],
  { kept, widths }: ColumnLayout,
  { style, width }: TableOptions,
): string[] {
  const ellipsis = style.unicode ? "…" : "...";
  const shown = kept.map((index, at) => {
    const column = columns[index]!;
    return { column, index, width: widths[at]!, right: column.align === "right" };
  });

  const join = (of: readonly Cell[], paintOf: (text: string, column: Column<Row>) => string) => {
    let line = "";
    // Spaces wait here until a cell follows them, so that no line ends in blanks.
    let pending = "";
    for (const { column, index, width: cells, right } of shown) {
      const cell = of[index]!;
      const { text, width: taken } = cell.width > cells ? toCell(shorten(cell.text, cells, ellipsis)) : cell;
      const padding = " ".repeat(cells - taken);
      if (text === "") {
        pending += padding + GAP;
        continue;
      }
      line += pending + (right ? padding : "") + paintOf(text, column);
      pending = (right ? "" : padding) + GAP;
    }
    return line;
  };
  const toText = ({ row, cells }: Line<Row>) =>
    join(cells, (text, column) => column.paint?.(text, row, style) ?? text);

  const indent = (widths[0] ?? 0) + GAP.length;
  const moreLines = ({ row }: Line<Row>) => {
    const more = below?.(row) ?? "";
    if (more === "") return [];
    return sentence(more, width === null ? null : Math.max(2, width - indent)).map(
      (line) => " ".repeat(indent) + line,
    );
  };

  const lines = [join(headers, style.heading), ...body.flatMap((line) => [toText(line), ...moreLines(line)])];
  if (foot.length > 0) {
    const ruleWidth = widths.reduce((total, cells) => total + cells, GAP.length * (widths.length - 1));
    lines.push(rule(ruleWidth, style), ...foot.map(toText));
  }
  // A bar has no header, and its figure stands beside it.
  const hidden = columns.flatMap(({ header }, index) =>
    kept.includes(index) || header === "" ? [] : [header],
  );
  if (hidden.length > 0 && !quiet) {
    const said = `hidden at this width: ${hidden.join(", ")} (widen the terminal, or use --format csv)`;
    lines.push(...sentence(said, width).map(style.muted));
  }
  return lines;
}

function blockLines<Row>(
  { columns, below }: Table<Row>,
  body: readonly Line<Row>[],
  foot: readonly Line<Row>[],
  { style, width }: TableOptions,
): string[] {
  const toBlock = ({ row, cells }: Line<Row>) => {
    const fields = columns.map(
      ({ header, paint }, index): Field => [
        header,
        cells[index]!.text,
        (text) => paint?.(text, row, style) ?? text,
      ],
    );
    const said = fields.filter(([, text]) => text !== "");
    return fieldLines(said, style, width);
  };
  const blocks = body.map((line) => {
    const more = below?.(line.row) ?? "";
    return [...toBlock(line), ...(more === "" ? [] : sentence(more, width))];
  });
  if (foot.length > 0) blocks.push([rule(width ?? 0, style)], ...foot.map(toBlock));
  return blocks.flatMap((block, index) => (index === 0 ? block : ["", ...block]));
}

function noteLines(notes: readonly string[], { style, width }: TableOptions): string[] {
  return notes.length === 0 ? [] : ["", ...notes.flatMap((note) => sentence(note, width).map(style.muted))];
}

function toCell(raw: string): Cell {
  const text = sanitize(raw);
  return { text, width: displayWidth(text) };
}

function sentence(text: string, width: number | null): string[] {
  const safe = sanitize(text);
  return width === null ? [safe] : wrap(safe, width);
}

function rule(width: number, style: Style): string {
  return style.muted((style.unicode ? "─" : "-").repeat(width));
}
