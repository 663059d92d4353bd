import { fileURLToPath } from "node:url";
import type { Instant } from "../../src/domain/window.js";
import type { Fields, UsageDraft } from "../../src/importers/importer.js";
import { type ReadOptions, readUsage } from "../../src/input/read-usage.js";

const NOW = Date.UTC(2026, 10, 22, 12);

/** A log of test/fixtures/logs as it is read. */
export interface ReadFixture {
  readonly format: string | null;
  /** By id; records without one by `line N`. */
  readonly drafts: Readonly<Record<string, UsageDraft>>;
  /** The fields of the records that can be counted. */
  readonly records: readonly Fields[];
  /** Line, field and reason. */
  readonly rejects: readonly [number, string | null, string][];
  readonly skipped: readonly string[];
}

export async function readFixture(file: string, options: Partial<ReadOptions> = {}): Promise<ReadFixture> {
  const path = fileURLToPath(new URL(`../fixtures/logs/${file}`, import.meta.url));
  const drafts: Record<string, UsageDraft> = {};
  const rejects: [number, string | null, string][] = [];
  const skipped: string[] = [];
  const records: Fields[] = [];
  let format: string | null = null;
  for await (const batch of readUsage(path, { now: NOW, ...options })) {
    format = batch.format;
    for (const { draft, record } of batch.records) {
      drafts[draft.id ?? `line ${record.line}`] = draft;
      if (record.fields) records.push(record.fields);
    }
    rejects.push(
      ...batch.rejects.map(({ line, field, reason }): [number, string | null, string] => [
        line,
        field,
        reason,
      ]),
    );
    skipped.push(...batch.skipped.map(({ reason }) => reason));
  }
  return { format, drafts, records, rejects, skipped };
}

/** Input, cache read, cache write, output, and the reasoning in it. */
export function tokensOf(draft: UsageDraft | undefined): readonly (number | undefined)[] {
  return [draft?.input, draft?.cacheRead, draft?.cacheWrite, draft?.output, draft?.reasoning];
}

/** 18 November 2026 at an hour of UTC, and so many milliseconds. */
export function at(hour: number, ms = 0): Instant {
  return Date.UTC(2026, 10, 18, hour) + ms;
}
