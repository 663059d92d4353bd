import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentHash } from "../../src/domain/content-hash.js";
import { PRICED_BY } from "../../src/domain/price-rule.js";
import type { UsageDraft } from "../../src/importers/importer.js";
import { unpackBatch } from "../../src/input/unpack-columns.js";
import { ColumnsPacker, makeRoom } from "../../src/input/usage-columns.js";

const counts = fc.constantFrom(0, 1, 700, Number.MAX_SAFE_INTEGER);
const money = fc.constantFrom(0, 75, 9_000_000_000);

/** Whatever an importer may read from a record, exported or not. */
const drafts: fc.Arbitrary<UsageDraft> = fc
  .record({
    user: fc.constantFrom("ada", "bob", null),
    providerId: fc.constantFrom(null, null, "chatcmpl-1"),
    occurredAt: fc.integer({ min: 1_420_070_400_000, max: 1_800_000_000_000 }),
    provider: fc.constantFrom("openai", ""),
    model: fc.constantFrom("gpt-4o", "gpt-5", ""),
    feature: fc.constantFrom("", "blog_writer"),
    input: counts,
    output: counts,
    images: fc.constantFrom(0, 3),
    status: fc.constantFrom("ok", "error"),
    price: fc.oneof(
      fc.record({ cost: fc.option(money, { nil: null }) }),
      fc.record({ cost: money, assumed: money, pricedBy: fc.constantFrom(...PRICED_BY) }).map((priced) => ({
        cost: null,
        priced,
      })),
    ),
    requests: fc.constantFrom(undefined, undefined, 0, 1, 12),
    hash: fc.constantFrom(undefined, undefined, 12_345),
    estimated: fc.constantFrom(undefined, undefined, true),
  })
  .map(({ price, requests, hash, estimated, ...draft }) => ({
    ...{ kind: "draft" as const, source: null, id: null, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ...draft,
    ...price,
    ...(requests === undefined ? {} : { requests }),
    ...(hash === undefined ? {} : { hash }),
    ...(estimated === undefined ? {} : { estimated }),
  }));

/** In a log of two formats every third record is of the other one, where later records replace earlier ones. */
function bookOf(line: number) {
  const supersedes = line % 3 === 2;
  const format = supersedes ? "claude-code" : "alpha";
  return { format, source: format, hasOwnId: line % 2 === 0, supersedes };
}

describe("records in columns", () => {
  it("are the same when they are taken out", () => {
    fc.assert(
      fc.property(fc.array(drafts, { minLength: 1, maxLength: 40 }), (all) => {
        const packer = new ColumnsPacker(makeRoom());
        all.forEach((draft, line) => {
          const record = { line, raw: "", fields: null, problem: null, rejected: null };
          packer.add({ draft, ...bookOf(line), id: `é${line}`, record });
        });
        const batch = { records: packer.pack(), rejects: [], skipped: [], format: "alpha", bytesRead: 0 };
        const { columns } = unpackBatch(batch, () => []);
        all.forEach((each, at) => {
          const { kind: _, source: __, id: ___, hash, ...draft } = each;
          expect(columns.at(at)).toMatchObject({
            ...bookOf(at),
            id: `é${at}`,
            hash: hash ?? contentHash(each),
          });
          expect(columns.at(at).draft).toEqual(draft);
        });
        for (const { from, to, plain } of columns.runs) {
          if (plain === null) continue;
          for (let at = from; at < to; at++) {
            const { cost, priced, providerId, estimated } = all[at] as UsageDraft;
            expect([providerId, estimated]).toEqual([null, undefined]);
            expect(plain.cost[at - from]).toBe(cost ?? priced?.cost ?? Number.NaN);
            expect(plain.priced?.by[at - from] ?? 0).toBe(
              priced === undefined ? 0 : PRICED_BY.indexOf(priced.pricedBy) + 1,
            );
            if (priced !== undefined) expect(plain.priced?.assumed[at - from]).toBe(priced.assumed);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
