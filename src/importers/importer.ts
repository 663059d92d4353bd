import type { UsageRecord } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";

/** The fields of one record by name: any JSON for JSONL, strings for CSV. */
export type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a record, and in which field; `null` when it is the record as a whole. */
export interface Problem {
  readonly field: string | null;
  readonly reason: string;
}

/** What a rejects file keeps of a record beside its text, which may have been mended since. */
export interface RejectedAs {
  /** What `RawIdentities` knew it by; `null` when it had an id of its own. */
  readonly identity: string | null;
  /** The name of the format that it was read in; `null` when it could not be parsed. */
  readonly format: string | null;
}

/** One record as it stands in the log, before any format is read into it. */
export interface RawRecord {
  /** The line of the file on which it starts, from 1. */
  readonly line: number;
  /**
   * Its canonical text: the trimmed line of JSONL, else one JSON object without white space. Identity is made from
   * it.
   */
  readonly raw: string;
  /** `null` when it could not be parsed; then `problem` says why. */
  readonly fields: Fields | null;
  readonly problem: Problem | null;
  /** `null` unless it comes from a rejects file. */
  readonly rejected: RejectedAs | null;
  /** What gives `raw` later, without the fields where it can, for those who keep many records. Else `raw` is there. */
  keep?(): { readonly raw: string };
}

/** Usage as a record states it. What the record does not state is `null` and is for others to fill or refuse. */
export interface UsageDraft extends Omit<UsageRecord, "source" | "id" | "user"> {
  readonly kind: "draft";
  readonly source: string | null;
  readonly id: string | null;
  readonly user: string | null;
}

/** The record cannot be counted as it is. */
export interface Rejection extends Problem {
  readonly kind: "rejection";
}

/** The record is sound and deliberately not counted. */
export interface Skip {
  readonly kind: "skip";
  readonly reason: string;
}

export interface ReadContext {
  /** The present, against which times in the future are recognised. */
  readonly now: Instant;
  /** When the record's call happened, as the operator says it: what the record itself says of it is not read then. */
  readonly occurredAt?: Instant;
}

/** Reads one log format. Pure: the same fields and context give the same answer. */
export interface Importer {
  /** The value of `--format`, and the source of the ids that the log gives. */
  readonly name: string;
  /** One sentence for help texts. */
  readonly description: string;
  /** A later record of the same id replaces an earlier one, instead of being a conflict. */
  readonly supersedes?: true;
  /** Whether a record with these fields looks like this format. */
  detect(sample: Fields): boolean;
  /**
   * The record under names that `--map` can spell, where the log itself hides them in lists. What `read` is given,
   * then.
   */
  flatten?(fields: Fields): Fields;
  read(fields: Fields, context: ReadContext): UsageDraft | Rejection | Skip;
}

export function reject(field: string | null, reason: string): Rejection {
  return { kind: "rejection", field, reason };
}
