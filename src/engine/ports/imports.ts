import type { Instant } from "../../domain/window.js";

/** Of the records of an import, how many there were of each kind. */
export interface ImportTally {
  readonly inserted: number;
  /** Took the place of what their id stood for. */
  readonly superseded: number;
  readonly duplicate: number;
  /** Rejected or in conflict. */
  readonly rejected: number;
  /** Deliberately not counted. */
  readonly skipped: number;
}

/** One file of one import. What it never came to say, being killed or still running, is `null`. */
export interface ImportRecord {
  readonly number: number;
  readonly inserted: number;
  readonly superseded: number | null;
  readonly duplicate: number | null;
  readonly rejected: number | null;
  readonly skipped: number | null;
  readonly startedAt: Instant;
  /** `null`: it was stopped before its end, or still runs. */
  readonly finishedAt: Instant | null;
  /** `null`: what it brought still counts. */
  readonly undoneAt: Instant | null;
  /** Whether undoing it was begun, and did not come to its end. */
  readonly isHalfUndone: boolean;
  readonly actor: string;
  readonly file: string;
  /** `null` where the log told none. */
  readonly format: string | null;
}

/** An identity under which an import brought an event, or superseded one. */
export interface BroughtIdentity {
  readonly source: string;
  readonly id: string;
  /** The number of the event. */
  readonly event: number;
  /** The id that people see of whose event it is. */
  readonly user: string;
}

/** Where the next page of identities begins. */
export interface IdentityCursor {
  readonly sourceId: number;
  readonly id: string;
}

export interface ImportsReading {
  /** Newest first. */
  imports(filter: {
    /** Only imports numbered below this one: the next page. */
    readonly before?: number;
    readonly limit: number;
  }): Promise<ImportRecord[]>;
  import(number: number): Promise<ImportRecord | undefined>;
  /** The numbers of all imports that were undone. */
  undoneImports(): Promise<ReadonlySet<number>>;
  /** What is left of what an import brought, page by page. */
  broughtBy(
    number: number,
    page: { readonly after: IdentityCursor | null; readonly limit: number },
  ): Promise<{
    readonly identities: readonly BroughtIdentity[];
    /** `null`: there is no next page. */
    readonly next: IdentityCursor | null;
  }>;
}

export interface ImportsWriting extends ImportsReading {
  startImport(start: {
    readonly at: Instant;
    readonly actor: string;
    readonly file: string;
    readonly format: string | null;
    readonly options: string;
  }): Promise<number>;
  /** @param end `at` is `null` when it was stopped before its end */
  finishImport(number: number, end: ImportTally & { readonly at: Instant | null }): Promise<void>;
  /** Says that nothing of an import counts any more. */
  endImport(number: number, at: Instant): Promise<void>;
}
