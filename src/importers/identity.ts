import { hash } from "node:crypto";
import type { RawRecord } from "./importer.js";
import { OccurrenceCounter } from "./occurrences.js";

/** The source of records that carry no id. */
export const RAW_SOURCE = "raw";
/** The source of ids that were found through `--map`. */
export const MAPPED_SOURCE = "mapped";

const KEPT_BYTES = 16;

export interface RawIdentity {
  readonly id: string;
  /** Which of the equal records of its file this is, from 1. */
  readonly occurrence: number;
}

/**
 * Gives the records of one file that carry no id an identity: the hash of the raw record, and its occurrence among
 * the equal records of the file. It depends on nothing else, so that the same file imported with other options is
 * still the same file.
 */
export class RawIdentities {
  readonly #seen = new OccurrenceCounter();

  next(record: RawRecord): RawIdentity {
    const digest = hash("sha256", record.raw, "buffer");
    const occurrence = record.occurrence ?? this.#seen.next(digest.readUInt32LE(0), digest.readUInt32LE(4));
    return { id: `${digest.toString("base64url", 0, KEPT_BYTES)}:${occurrence}`, occurrence };
  }
}
