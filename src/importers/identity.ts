import { hash } from "node:crypto";
import type { RawRecord } from "./importer.js";
import { OccurrenceCounter } from "./occurrences.js";

/** The source of records that carry no id. */
export const RAW_SOURCE = "raw";
/** The source of ids that were found through `--map`. */
export const MAPPED_SOURCE = "mapped";

/** Of the SHA-256 in base64url: 132 bits. */
const ID_CHARS = 22;
/** Two words of 30 bits tell the records of one file apart. */
const WORD_CHARS = 5;
const SEXTETS = new Uint8Array(128);
for (const [value, char] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
].entries()) {
  SEXTETS[char.charCodeAt(0)] = value;
}

const RAW_ID = new RegExp(`^[\\w-]{${ID_CHARS}}:[1-9]\\d{0,9}$`);

/** Whether a text is an id as `RawIdentities` gives them. */
export function isRawId(text: unknown): text is string {
  return typeof text === "string" && RAW_ID.test(text);
}

/**
 * Gives the records of one file that carry no id an identity: the hash of the raw record, and its occurrence among
 * the equal records of the file, from 1. It depends on nothing else, so that the same file imported with other options
 * is still the same file. A record that was rejected keeps its identity when its text is mended: another text may be
 * that of another record, and its occurrence among those is not known.
 */
export class RawIdentities {
  readonly #seen = new OccurrenceCounter();

  next(record: RawRecord): string {
    const known = record.rejected?.identity ?? null;
    if (known !== null) return known;
    // As text, since a Buffer for each record costs three times the hash itself.
    const digest = hash("sha256", record.raw, "base64url");
    const occurrence = this.#seen.next(word(digest, 0), word(digest, WORD_CHARS));
    return `${digest.slice(0, ID_CHARS)}:${occurrence}`;
  }
}

function word(digest: string, from: number): number {
  let bits = 0;
  for (let i = from; i < from + WORD_CHARS; i++) bits = (bits << 6) | SEXTETS[digest.charCodeAt(i)]!;
  return bits;
}
