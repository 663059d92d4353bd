import { sanitize } from "./sanitize.js";
import type { Column, Table } from "./table.js";

/** Markup, as opposed to text, which may come from anybody. */
export class Html {
  constructor(readonly text: string) {}
}

type HtmlValue = Html | readonly Html[] | string | number | null;

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Markup with values in it: texts show as they are, in elements as in quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings.map((part, at) => part + (at < values.length ? markup(values[at]) : "")).join(""));
}

function markup(value: HtmlValue | undefined): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return sanitize(String(value)).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** JSON inside a `script` element, which nothing in it can end. */
export function scriptJson(value: unknown): Html {
  // Not even the beginning of a comment: it changes how the rest of the element is read.
  return new Html(JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, unicodeEscape));
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A page has room for columns up to this priority. */
const PAGE_PRIORITY = 7;
/** And a phone for those up to this one; what is still too wide scrolls. */
const PHONE_PRIORITY = 2;

/** A table for people, and the notes under it. */
export function htmlTable<Row>({ columns: all, rows, foot = [], empty, notes = [] }: Table<Row>): Html {
  const columns = all.filter(({ priority = 1 }) => priority <= PAGE_PRIORITY);
  const said = notes.map((note) => html`<p class="note">${note}</p>\n`);
  if (rows.length === 0) return html`<p>${empty}</p>\n${said}`;
  return html`<div class="table"><table>
<thead><tr>${columns.map(headCell)}</tr></thead>
<tbody>
${rows.map((row) => line(columns, row))}</tbody>
${foot.length === 0 ? null : html`<tfoot>\n${foot.map((row) => line(columns, row))}</tfoot>\n`}</table></div>
${said}`;
}

function line<Row>(columns: readonly Column<Row>[], row: Row): Html {
  return html`<tr>${columns.map((column) => html`<td${classOf(column)}>${cell(column, row)}</td>`)}</tr>\n`;
}

/** Where names and models may be broken: behind the signs that take them apart. */
const SEAM = /(?<=[@._\-/:+])(?=[\p{L}\p{N}])/u;

function cell<Row>({ truncate, text }: Column<Row>, row: Row): Html {
  const said = text(row);
  if (truncate !== true) return html`${said}`;
  return html`${said.split(SEAM).map((part, at) => (at === 0 ? html`${part}` : html`<wbr>${part}`))}`;
}

function headCell<Row>(column: Column<Row>): Html {
  return html`<th scope="col"${classOf(column)}>${column.header}</th>`;
}

function classOf<Row>({ align, priority = 1, truncate }: Column<Row>): Html | null {
  const classes = [
    ...(align === "right" ? ["number"] : []),
    ...(truncate === true ? ["name"] : []),
    ...(priority > PHONE_PRIORITY ? ["less"] : []),
  ];
  return classes.length === 0 ? null : html` class="${classes.join(" ")}"`;
}
