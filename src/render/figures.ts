import type { CellValue, Column } from "./table.js";

/** One value of a record, with its name. */
export interface Figure {
  readonly figure: string;
  readonly value: CellValue;
}

/**
 * The single values of what a view prints as JSON, for tables whose rows are figures. Inner objects stand behind the
 * name of the outer, members of lists behind their number, and money is in US dollars.
 */
export function figuresOf(record: Readonly<Record<string, unknown>>): Figure[] {
  return Object.entries(record).flatMap(([key, value]) => figuresIn(key, value));
}

function figuresIn(figure: string, value: unknown): Figure[] {
  if (typeof value !== "object" || value === null) return [{ figure, value: value as CellValue }];
  if ("usd" in value) return [{ figure: `${figure}_usd`, value: value.usd as string }];
  const parts = Object.entries(value).map(([key, member]) => {
    return [Array.isArray(value) ? Number(key) + 1 : key, member] as const;
  });
  return parts.flatMap(([part, member]) => figuresIn(`${figure}_${part}`, member));
}

const text = (value: CellValue) => (value === null ? "" : String(value));

/** The columns of a table of figures. */
export const FIGURE_COLUMNS: readonly Column<Figure>[] = [
  { key: "figure", header: "FIGURE", text: ({ figure }) => figure },
  { key: "value", header: "VALUE", text: ({ value }) => text(value), value: ({ value }) => value },
];
