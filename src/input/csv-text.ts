import { type CsvError, parse } from "csv-parse/sync";

const DELIMITERS = [",", ";", "\t"] as const;
export type Delimiter = (typeof DELIMITERS)[number];

export const QUOTE = '"';

/** The delimiter that a header line uses most outside quotes; `null` when it has none of them. */
export function detectDelimiter(header: string): Delimiter | null {
  const unquoted = header.replace(/"(?:[^"]|"")*"/g, "");
  let best: Delimiter | null = null;
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const count = unquoted.split(delimiter).length - 1;
    if (count > most) [best, most] = [delimiter, count];
  }
  return best;
}

/** Where a line ends: outside or inside a quoted field, or with a quotation mark where CSV allows none. */
export type QuoteState = "outside" | "inside" | "broken";

/** How a line ends that begins outside or `inside` a quoted field. */
export function scanQuotes(text: string, delimiter: Delimiter, inside: boolean): QuoteState {
  let quoted = inside;
  let from = 0;
  for (;;) {
    const quote = text.indexOf(QUOTE, from);
    if (quote < 0) return quoted ? "inside" : "outside";
    from = quote + 1;
    if (!quoted) {
      if (quote > 0 && text[quote - 1] !== delimiter) return "broken";
      quoted = true;
    } else if (text[from] === QUOTE) {
      from++;
    } else {
      if (from < text.length && text[from] !== delimiter) return "broken";
      quoted = false;
    }
  }
}

/** Cuts records that contain quotes into their fields: `null` for one that is not valid CSV. */
export function parseQuoted(records: readonly string[], delimiter: Delimiter): (string[] | null)[] {
  // One call for all, since a call costs far more than a record; one each only to find which of them is bad.
  const all = tryParse(records.join("\n"), delimiter);
  if (all?.length === records.length) return all;
  return records.map((record) => {
    const rows = tryParse(record, delimiter);
    return rows?.length === 1 ? rows[0]! : null;
  });
}

function tryParse(text: string, delimiter: Delimiter): string[][] | null {
  try {
    return parse(text, { delimiter, record_delimiter: "\n", relax_column_count: true });
  } catch (error) {
    if (typeof (error as CsvError).code === "string") return null;
    throw error;
  }
}
