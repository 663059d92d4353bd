import { sanitize } from "./sanitize.js";
import type { Style } from "./style.js";
import { wrap } from "./text.js";
import { displayWidth } from "./width.js";

/** A label, its text for people, and how to colour that text (colours only: it must not change the width). */
export type Field = readonly [label: string, text: string, paint?: (text: string, style: Style) => string];

const GAP = "  ";
const STACKED_INDENT = "  ";
/** Beside a label there is room for a value from this many cells on; with less, the value goes under its label. */
const MIN_VALUE_WIDTH = 12;

/**
 * Labels in one column, values in the next, long values wrapped under themselves. Where the terminal is too narrow
 * for two columns, each value stands under its label. `width` null (no terminal): one line for each field.
 */
export function renderFields(
  fields: readonly Field[],
  { style, width }: { style: Style; width: number | null },
): string {
  const lines = fieldLines(fields, style, width);
  return lines.map((line) => `${line}\n`).join("");
}

/** The lines of `renderFields`, for blocks that are put together from several. */
export function fieldLines(fields: readonly Field[], style: Style, width: number | null): string[] {
  const labels = fields.map(([label]) => sanitize(label));
  const labelWidth = labels.reduce((widest, label) => Math.max(widest, displayWidth(label)), 0);
  const indent = labelWidth + GAP.length;
  const stacked = width !== null && width - indent < MIN_VALUE_WIDTH;
  const room = width === null ? null : width - (stacked ? STACKED_INDENT.length : indent);

  return fields.flatMap(([, raw, paint], index) => {
    const label = labels[index]!;
    const text = sanitize(raw);
    const values = (room === null ? [text] : wrap(text, room)).map((line) =>
      line === "" || paint === undefined ? line : paint(line, style),
    );
    if (stacked) {
      const head = wrap(label, width).map((line) => style.muted(line));
      return [...head, ...values.filter((line) => line !== "").map((line) => STACKED_INDENT + line)];
    }
    return values.map((line, at) => {
      if (at > 0) return " ".repeat(indent) + line;
      const padding = " ".repeat(indent - displayWidth(label));
      return line === "" ? style.muted(label) : style.muted(label) + padding + line;
    });
  });
}
