import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { totalTokens } from "../../src/domain/usage.js";
import { objectIn } from "../../src/importers/cells.js";
import type { Fields, Importer, UsageDraft } from "../../src/importers/importer.js";
import { IMPORTERS } from "../../src/importers/registry.js";
import { collect, NOW } from "../input/reading.js";
import { formatOf, LOGS, pathOf } from "./fixtures.js";

const RUNS = 1500;

/** What somebody's logger, spreadsheet or bug may have left in place of a value. */
const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      undefined,
      "",
      " ",
      0,
      -0,
      -1,
      1,
      1.5,
      1e300,
      2 ** 53,
      2 ** 53 - 1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ],
    ...[
      "NaN",
      "-5",
      "1e3",
      "10.0",
      "1e999",
      "0x10",
      "1,000",
      "9".repeat(30),
      "True",
      "null",
      "\0",
      "\ud800",
      "x".repeat(600),
    ],
    ...[true, false, [], {}, [1], { a: 1 }, { total: 5 }, "{", "{}", "[]", "{'a': None}", '{"total": -1}'],
    ...["2026-11-20", "1970-01-01", "2999-01-01", 1763600000, 1763600000000, "not a time", "[AGGREGATED]"],
  ),
  fc.jsonValue(),
);

/** Where a value stands: inside objects and lists too. */
type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return path.length === 0 ? [] : [path];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    pathsIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

function changed(record: Fields, path: Path, value: unknown): Fields {
  const copy = structuredClone(record) as Record<string, unknown>;
  let at: Record<string | number, unknown> = copy;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    // An earlier change may have removed it.
    if (typeof next !== "object" || next === null) return copy;
    at = next as Record<string | number, unknown>;
  }
  const last = path.at(-1)!;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

/** The total of the tokens that a record of a format states; `null` where it need not be that of the draft. */
const TOTALS: Readonly<Record<string, (fields: Fields) => unknown>> = {
  alwrity: ({ provider, endpoint, tokens_total }) =>
    /audio/i.test(`${String(provider)} ${String(endpoint)}`) ? null : tokens_total,
  litellm: ({ total_tokens }) => total_tokens,
  otel: (fields) => fields["attributes.gen_ai.usage.total_tokens"],
  langfuse: (fields) => objectIn(fields.usage_details ?? fields.usageDetails)?.total,
};

function requireSound(draft: UsageDraft): void {
  for (const count of [
    draft.input,
    draft.cacheRead,
    draft.cacheWrite,
    draft.output,
    draft.reasoning,
    draft.images,
  ]) {
    expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
  }
  expect(Number.isSafeInteger(totalTokens(draft))).toBe(true);
  expect(draft.reasoning).toBeLessThanOrEqual(draft.output);
  expect(draft.cost === null || (Number.isSafeInteger(draft.cost) && draft.cost >= 0)).toBe(true);
  expect(draft.occurredAt).toBeGreaterThanOrEqual(Date.UTC(2015, 0, 1));
  for (const text of [draft.provider, draft.model, draft.feature, draft.status])
    expect(typeof text).toBe("string");
}

function read(importer: Importer, record: Fields) {
  importer.detect(record);
  const fields = importer.flatten?.(record) ?? record;
  return { fields, result: importer.read(fields, { now: NOW }) };
}

async function recordsOf(log: string): Promise<Fields[]> {
  const { entries, rejects } = await collect(pathOf(log));
  return [...entries.map(({ record }) => record.raw), ...rejects.map(({ raw }) => raw)].map((raw) =>
    JSON.parse(raw),
  );
}

describe("whatever was done to a record", () => {
  it.each(LOGS)("of %s, it is counted soundly, rejected or skipped", async (log) => {
    const importer = IMPORTERS.find(({ name }) => name === formatOf(log))!;
    const originals = await recordsOf(log);
    const records = fc
      .constantFrom(...originals)
      .chain((original) =>
        fc
          .array(fc.tuple(fc.constantFrom(...pathsIn(original)), nasty), { minLength: 1, maxLength: 4 })
          .map((changes) =>
            changes.reduce((record, [path, value]) => changed(record, path, value), original),
          ),
      );
    fc.assert(
      fc.property(records, (record) => {
        const { fields, result } = read(importer, record);
        if (result.kind !== "draft") {
          expect(result.reason).toBeTruthy();
          return;
        }
        requireSound(result);
        const total = TOTALS[importer.name]?.(fields);
        const stated = typeof total === "number" || typeof total === "string" ? Number(total) : 0;
        if (stated > 0) expect(totalTokens(result)).toBe(stated);
      }),
      { numRuns: RUNS },
    );
  });
});
