import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentHash, type UsageContent } from "../../src/domain/content-hash.js";
import { RawIdentities } from "../../src/importers/identity.js";
import type { RawRecord } from "../../src/importers/importer.js";
import { OccurrenceCounter } from "../../src/importers/occurrences.js";
import { rejectLine, unwrapReject } from "../../src/importers/rejects.js";

const record = (raw: string, identity: string | null = null): RawRecord => ({
  line: 1,
  raw,
  fields: {},
  problem: null,
  rejected: identity === null ? null : { identity, format: null },
});

describe("RawIdentities", () => {
  it("is the hash of the raw record and its occurrence", () => {
    const identities = new RawIdentities();
    // SHA-256 of "a" is ca978112ca1bbdcafac231b39a23dc4d…
    expect(identities.next(record("a"))).toBe("ypeBEsobvcr6wjGzmiPcTa:1");
    expect(identities.next(record("b"))).toMatch(/^[\w-]{22}:1$/);
    expect(identities.next(record("a"))).toBe("ypeBEsobvcr6wjGzmiPcTa:2");
  });

  it("keeps what a rejected record had, be its text another one now", () => {
    const identities = new RawIdentities();
    const identity = "ypeBEsobvcr6wjGzmiPcTa:7";
    expect(identities.next(record("a", identity))).toBe(identity);
    expect(identities.next(record("mended", identity))).toBe(identity);
    expect(identities.next(record("a"))).toBe("ypeBEsobvcr6wjGzmiPcTa:1");
  });
});

describe("OccurrenceCounter", () => {
  it("counts like a Map, also where hashes share a slot", () => {
    const halves = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 1, 1024, 2048, 0xffff_ffff));
    fc.assert(
      fc.property(fc.array(halves), (hashes) => {
        const counter = new OccurrenceCounter();
        const counts = new Map<string, number>();
        for (const [high, low] of hashes) {
          const expected = (counts.get(`${high}:${low}`) ?? 0) + 1;
          counts.set(`${high}:${low}`, expected);
          expect(counter.next(high, low)).toBe(expected);
        }
        expect(counter.size).toBe(counts.size);
      }),
    );
  });

  it("keeps its counts when it grows", () => {
    const counter = new OccurrenceCounter();
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < 5000; i++) expect(counter.next(i, Math.imul(i, 0x9e3779b1) >>> 0)).toBe(round);
    }
    expect(counter.size).toBe(5000);
  });
});

describe("contentHash", () => {
  const content: UsageContent = {
    occurredAt: Date.UTC(2026, 10, 1),
    provider: "openai",
    model: "gpt-4o",
    feature: "",
    input: 1,
    cacheRead: 0,
    cacheWrite: 0,
    output: 2,
    reasoning: 0,
    images: 0,
    cost: null,
    status: "ok",
    providerId: null,
  };

  it("is a safe integer that stays the same from version to version", () => {
    expect(contentHash(content)).toBe(contentHash({ ...content }));
    expect(Number.isSafeInteger(contentHash(content))).toBe(true);
    expect(contentHash(content)).toMatchInlineSnapshot(`8049083301416142`);
  });

  it("changes with every field", () => {
    const changes: Partial<UsageContent>[] = [
      { occurredAt: content.occurredAt + 1 },
      { occurredAt: content.occurredAt + 2 ** 32 },
      { provider: "azure" },
      { model: "gpt-4" },
      { feature: "o" },
      { input: 2, output: 1 },
      { input: 1 + 2 ** 32 },
      { cacheRead: 1 },
      { cacheWrite: 1 },
      { output: 3 },
      { reasoning: 1 },
      { images: 1 },
      { cost: 0 },
      { cost: 1 },
      { status: "failed" },
      { providerId: "x" },
      { requests: 2 },
      { provider: "openaig", model: "pt-4o" },
    ];
    const hashes = [content, ...changes.map((change) => ({ ...content, ...change }))].map(contentHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it("spreads neighbouring records", () => {
    const hashes = new Set<number>();
    for (let input = 0; input < 200; input++) {
      for (let output = 0; output < 200; output++) hashes.add(contentHash({ ...content, input, output }));
    }
    expect(hashes.size).toBe(40_000);
  });
});

describe("a line of a rejects file", () => {
  const reject = { file: "a.csv", line: 9, field: "images", reason: "is negative: -1" };
  const kept = { identity: "ypeBEsobvcr6wjGzmiPcTa:3", format: "alpha" };

  it("is read back as the record it holds", () => {
    const line = rejectLine({ ...reject, ...kept, raw: '{"images":-1}' });
    expect(line).toBe(
      '{"rejected":{"file":"a.csv","line":9,"field":"images","reason":"is negative: -1","format":"alpha","identity":"ypeBEsobvcr6wjGzmiPcTa:3"},"raw":"{\\"images\\":-1}"}',
    );
    expect(unwrapReject(JSON.parse(line), 4)).toEqual({
      line: 4,
      raw: '{"images":-1}',
      fields: { images: -1 },
      problem: null,
      rejected: kept,
    });
  });

  it("is a problem again when the record inside is broken", () => {
    expect(unwrapReject(JSON.parse(rejectLine({ ...reject, ...kept, raw: "1,2" })), 1)).toMatchObject({
      fields: null,
      problem: { field: "raw", reason: "the rejected record inside is not a JSON object" },
    });
  });

  it("is not taken for one without its marks, nor its identity believed when it is none", () => {
    expect(unwrapReject({ rejected: true, raw: "{}" }, 1)).toBeNull();
    expect(unwrapReject({ rejected: {}, raw: {} }, 1)).toBeNull();
    for (const identity of [0, "", "2", "ypeBEsobvcr6wjGzmiPcTa:0", "ypeBEsobvcr6wjGzmiPcTa", null]) {
      const read = unwrapReject({ rejected: { identity, format: 1 }, raw: "{}" }, 1);
      expect(read?.rejected).toEqual({ identity: null, format: null });
    }
  });
});
