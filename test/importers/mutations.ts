import fc from "fast-check";
import { expect } from "vitest";
import { canonicalProvider } from "../../src/domain/usage.js";
import type { Fields, Importer, UsageDraft } from "../../src/importers/importer.js";
import { readCount } from "../../src/importers/values.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;
const UNSTORABLE = /[\0\ud800-\udfff]/u;

const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    "",
    " ",
    true,
    -1,
    -0,
    0,
    1,
    7,
    0.5,
    1e308,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    Number.MAX_SAFE_INTEGER,
    "9007199254740991",
    "9007199254740993",
    "1e3",
    "10.0",
    "-0",
    "NaN",
    "abc",
    "a\0b",
    "\ud800",
    "x".repeat(600),
    "1970-01-01",
    "2999-01-01T00:00:00Z",
    "2026-11-18",
    "__proto__",
  ),
  fc.constantFrom<unknown>([], {}, [null], [{}], { usage: [] }, { a: 1 }),
  fc.double(),
  fc.string({ maxLength: 5 }),
);

/** The paths of everything in a record, in its objects and lists too. */
function pathsIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsIn(inner, [...path, key])]);
}

function put(record: Fields, path: readonly string[], value: unknown): Fields {
  const copy = structuredClone(record) as Record<string, unknown>;
  let at: unknown = copy;
  for (const key of path.slice(0, -1)) at = (at as Record<string, unknown> | null)?.[key];
  const last = path.at(-1);
  if (typeof at !== "object" || at === null || last === undefined) return copy;
  if (value === undefined) delete (at as Record<string, unknown>)[last];
  else (at as Record<string, unknown>)[last] = value;
  return copy;
}

/** One of the records with up to four of its fields taken out or replaced by something that does not belong there. */
function mutated(records: readonly Fields[]): fc.Arbitrary<Fields> {
  return fc.constantFrom(...records).chain((record) => {
    const paths = pathsIn(record);
    const change = fc.tuple(fc.constantFrom(...paths), nasty);
    return fc
      .array(change, { minLength: 1, maxLength: 4 })
      .map((changes) => changes.reduce((fields, [path, value]) => put(fields, path, value), record));
  });
}

/**
 * Whatever becomes of its records, an importer answers, a draft of it can be counted, and its buckets add up to what
 * the record states: `statedTotal` of the record, `null` where it states none.
 */
export function expectSoundDrafts(
  importer: Importer,
  records: readonly Fields[],
  statedTotal: (fields: Fields, draft: UsageDraft) => number | null,
): void {
  let drafts = 0;
  fc.assert(
    fc.property(mutated(records), (fields) => {
      importer.detect(fields);
      const read = importer.read(fields, { now: NOW });
      if (read.kind !== "draft") {
        expect(read.reason).not.toBe("");
        return;
      }
      drafts += 1;
      expectCountable(read);
      const total = statedTotal(fields, read);
      if (total !== null) expect(sumOf(read)).toBe(total);
    }),
    { numRuns: 2000 },
  );
  expect(drafts).toBeGreaterThan(200);
}

function expectCountable(draft: UsageDraft): void {
  const { input, cacheRead, cacheWrite, output, reasoning, images, cost, requests = 1 } = draft;
  for (const count of [input, cacheRead, cacheWrite, output, reasoning, images, requests, cost ?? 0]) {
    expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
  }
  expect(Number.isSafeInteger(sumOf(draft))).toBe(true);
  expect(reasoning).toBeLessThanOrEqual(output);
  expect(draft.occurredAt).toBeGreaterThanOrEqual(Date.UTC(2015, 0, 1));
  expect(draft.occurredAt).toBeLessThanOrEqual(NOW + DAY);
  expect(draft.provider).toBe(canonicalProvider(draft.provider));
  const texts = [
    draft.id,
    draft.providerId,
    draft.user,
    draft.provider,
    draft.model,
    draft.feature,
    draft.status,
  ];
  for (const text of texts) {
    if (text !== null) expect(typeof text === "string" && !UNSTORABLE.test(text)).toBe(true);
  }
}

export function sumOf({ input, cacheRead, cacheWrite, output }: UsageDraft): number {
  return input + cacheRead + cacheWrite + output;
}

/** The count that stands under a path; `null` where none does. */
export function countAt(fields: Fields, ...path: readonly string[]): number | null {
  let at: unknown = fields;
  for (const key of path.slice(0, -1)) at = (at as Fields | null | undefined)?.[key];
  if (typeof at !== "object" || at === null) return null;
  const count = readCount(at as Fields, path.at(-1) ?? "");
  return typeof count === "number" ? count : null;
}

/** The sum that the `usage` of an Anthropic message states, in parts that share nothing; `null` where there is none. */
export function statedByAnthropic(usage: unknown): number | null {
  if (typeof usage !== "object" || usage === null || Array.isArray(usage)) return null;
  const count = (...path: string[]) => countAt(usage as Fields, ...path);
  const written =
    count("cache_creation_input_tokens") ??
    (count("cache_creation", "ephemeral_5m_input_tokens") ?? 0) +
      (count("cache_creation", "ephemeral_1h_input_tokens") ?? 0);
  return (
    written +
    (count("input_tokens") ?? 0) +
    (count("cache_read_input_tokens") ?? 0) +
    (count("output_tokens") ?? 0)
  );
}
