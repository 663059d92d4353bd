import type { ImportColumns } from "../domain/import-columns.js";
import type { UsageRecord } from "../domain/usage.js";

/** A record of a log that states usage well enough to be counted. */
export interface LoggedUsage {
  /** Whose it is, as the log says it; `null` when it does not. */
  readonly draft: Omit<UsageRecord, "source" | "id" | "user"> & { readonly user: string | null };
  /** The name of the format that it was read in. */
  readonly format: string;
  /** Unique together. */
  readonly source: string;
  readonly id: string;
  /** Whether the log gives the id, and not the record's text. */
  readonly hasOwnId: boolean;
  /** The format says that later records of the same id replace earlier ones. */
  readonly supersedes?: boolean;
  /** `contentHash` of the draft, where it is known already. */
  readonly hash?: number;
  /** `raw` is the record's text, or its place in the columns that know it. */
  readonly record: { readonly line: number; readonly raw: string | number };
}

/** Records of a log that came in columns. Good until the next batch is asked for. */
export interface LoggedColumns {
  /** All of them, in their order. */
  readonly runs: readonly LoggedRun[];
  at(place: number): LoggedUsage;
  /** The texts of records, as they stand in the log. */
  texts(places: readonly number[]): Promise<readonly string[]>;
}

/** Records one after the other. */
export interface LoggedRun {
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  /** The same records, where all of them are plain; an empty user stands for none. */
  readonly plain: ImportColumns | null;
}

/** A record that was not counted, and why. */
export interface RejectedUsage {
  readonly file: string;
  readonly line: number;
  /** `null`: the record as a whole. */
  readonly field: string | null;
  readonly reason: string;
  /** What it is known by; `null` when it has an id of its own. */
  readonly identity: string | null;
  /** As in `LoggedUsage`; `null` when the record could not be parsed. */
  readonly format: string | null;
  readonly raw: string;
}

/** What one piece of a log held. */
export interface LogBatch {
  readonly records: readonly LoggedUsage[];
  /** The records after these. */
  readonly columns?: LoggedColumns;
  readonly rejects: readonly RejectedUsage[];
  /** Sound records that are deliberately not counted; one of each reason unless it says how many. */
  readonly skipped: readonly { readonly reason: string; readonly records?: number }[];
  /** The name of the log's format; `null` while it is not known. */
  readonly format: string | null;
  /** How much of the log was read so far, in the bytes that `UsageLog.bytes` counts. */
  readonly bytesRead: number;
}

/** A log to be imported. Whoever calls opens and reads it: the engine knows neither files nor formats. */
export interface UsageLog {
  readonly name: string;
  /** `null` for a stream. */
  readonly bytes: number | null;
  /**
   * Read once. Ends with an AlphaError: `failed` when the log cannot be read on, `interrupted` when the operator
   * stops; what came before is good.
   */
  read(): AsyncIterable<LogBatch>;
}
