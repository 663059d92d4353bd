import type { Style } from "../style.js";
import { wrap } from "../text.js";

/** How a command prints what it did. */
export interface Printing {
  readonly dryRun: boolean;
  readonly style: Style;
  readonly width: number | null;
}

/**
 * Sentences, each on lines of its own, broken between words where the terminal is too narrow; ends with a newline. What
 * is to be coloured is given as its plain text, and is coloured where it first stands whole on a line.
 */
export function sentences(
  said: readonly string[],
  width: number | null,
  ...coloured: readonly (readonly [text: string, paint: (text: string) => string])[]
): string {
  const lines = said.flatMap((sentence) => (width === null ? [sentence] : wrap(sentence, width)));
  const text = lines.map((line) => `${line}\n`).join("");
  return coloured.reduce((soFar, [part, paint]) => soFar.replace(part, () => paint(part)), text);
}
