import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Amounts, METERS, PERIODS } from "../../src/domain/meter.js";
import { thresholdOf } from "../../src/domain/quota-state.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { asking, decideOn, instant, testerOn, tierNamed, tierWith, usedUp } from "../support/decision.js";

const FREE = tierNamed("free");

/** What Free says to a call, with so much used today and held by calls in flight. */
function onFree(used: Partial<Amounts>, ask: Partial<Amounts>, held: Partial<Amounts> = {}) {
  return decideOn({ user: testerOn(FREE, { day: usedUp(used), held }), ask: asking(ask) });
}

describe("Free's five images", () => {
  it.each([
    // used, asked for, outcome, code, remaining
    [2, 1, "allow", "ok", 3],
    [3, 1, "warn", "near-limit", 2],
    [3, 2, "warn", "near-limit", 2],
    [3, 3, "block", "request-too-large", 2],
    [4, 1, "warn", "near-limit", 1],
    [4, 2, "block", "request-too-large", 1],
    [5, 1, "block", "quota-exhausted", 0],
    [6, 1, "block", "quota-exhausted", 0],
  ])("with %i used, asking for %i: %s, %s", (used, asked, outcome, code, remaining) => {
    const decision = onFree({ images: used }, { images: asked });
    expect(decision).toMatchObject({
      outcome,
      code,
      remaining,
      meter: "images",
      period: "day",
      limit: 5,
      used,
      held: 0,
      requested: asked,
      granted: outcome === "block" ? 0 : asked,
      resetsAt: instant("2026-11-23T00:00:00Z"),
    });
  });

  it.each([
    [3, "ok"],
    [4, "near-limit"],
    [5, "near-limit"],
    [6, "request-too-large"],
  ])("asked for %i at once, of none used: %s", (asked, code) => {
    expect(onFree({}, { images: asked }).code).toBe(code);
  });

  it("count alike whether settled or held", () => {
    expect(onFree({ images: 1 }, { images: 1 }, { images: 2 })).toMatchObject({
      code: "near-limit",
      held: 2,
      remaining: 2,
    });
    expect(onFree({ images: 2 }, { images: 1 }, { images: 3 }).code).toBe("quota-exhausted");
    expect(onFree({}, { images: 1 }, { images: 5 }).code).toBe("quota-exhausted");
  });
});

describe("Free's thousand tokens", () => {
  it.each([
    // used, asked for, outcome, code, remaining
    [799, 0, "allow", "ok", 201],
    [799, 1, "warn", "near-limit", 201],
    [800, 0, "warn", "near-limit", 200],
    [798, 1, "allow", "ok", 202],
    [949, 0, "warn", "near-limit", 51],
    [949, 51, "warn", "near-limit", 51],
    [949, 52, "block", "request-too-large", 51],
    [950, 0, "block", "quota-exhausted", 0],
    [950, 1, "block", "quota-exhausted", 0],
    [1_000, 1, "block", "quota-exhausted", 0],
    [1_500, 1, "block", "quota-exhausted", 0],
    [0, 799, "allow", "ok", 1_000],
    [0, 800, "warn", "near-limit", 1_000],
    [0, 949, "warn", "near-limit", 1_000],
    [0, 950, "warn", "near-limit", 1_000],
    [0, 1_000, "warn", "near-limit", 1_000],
    [0, 1_001, "block", "request-too-large", 1_000],
  ])("with %i used, asking for %i: %s, %s", (used, asked, outcome, code, remaining) => {
    // A request of no tokens touches the meter when it states neither tokens nor images.
    const decision = onFree({ tokens: used }, asked === 0 ? {} : { tokens: asked });
    const tokens = decision.quotas.find(({ meter }) => meter === "tokens");
    expect(tokens).toMatchObject({ outcome, code, remaining, touched: true });
    expect(decision).toMatchObject({ outcome, code });
    // The same amounts in flight weigh the same.
    for (const held of [1, Math.floor(used / 2), used]) {
      if (held > used) continue;
      const inFlight = onFree({ tokens: used - held }, asked === 0 ? {} : { tokens: asked }, {
        tokens: held,
      });
      expect(inFlight).toMatchObject({ outcome, code });
    }
  });
});

describe("a limit of 0", () => {
  it.each([...METERS])("disables %s for good, at once and whatever is asked for", (meter) => {
    for (const period of PERIODS) {
      const user = testerOn(tierWith({ meter, period, limit: 0 }));
      expect(decideOn({ user, ask: asking({}) })).toMatchObject({
        outcome: "block",
        code: "quota-disabled",
        meter,
        period,
        limit: 0,
        remaining: 0,
        resetsAt: null,
      });
    }
  });

  it("does not bind a call that does not touch its meter", () => {
    const user = testerOn(tierWith({ meter: "images", period: "day", limit: 0 }));
    expect(decideOn({ user, ask: asking({ tokens: 5 }) })).toMatchObject({ outcome: "allow", code: "ok" });
  });
});

describe("a limit of 1", () => {
  it("allows exactly one, with a warning", () => {
    const tier = tierWith({ meter: "requests", period: "day", limit: 1 });
    expect(decideOn({ user: testerOn(tier) }).code).toBe("near-limit");
    expect(decideOn({ user: testerOn(tier, { day: usedUp({ requests: 1 }) }) }).code).toBe("quota-exhausted");
  });
});

describe("remaining", () => {
  const amounts = fc.integer({ min: 0, max: 3_000 });

  it("is exactly what may still be asked for", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), amounts, amounts, (limit, used, held) => {
        const user = testerOn(tierWith({ meter: "tokens", period: "day", limit }), {
          day: usedUp({ tokens: used }),
          held: { tokens: held },
        });
        const blocks = (tokens: number) => decideOn({ user, ask: asking({ tokens }) }).outcome === "block";
        const { remaining } = decideOn({ user, ask: asking({ tokens: 1 }) });
        if (remaining === null) expect.fail("a limit leaves a number");
        expect(blocks(remaining + 1)).toBe(true);
        if (remaining > 0) expect(blocks(remaining)).toBe(false);
      }),
    );
  });
});

describe("thresholds", () => {
  it("are exact for every limit, in whole units, rounded up", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 10_000 }), (limit, points) => {
        const exact = (BigInt(limit) * BigInt(points) + 9_999n) / 10_000n;
        expect(BigInt(thresholdOf(limit, points))).toBe(exact);
      }),
    );
  });

  it("are settings", () => {
    const settings = { ...INITIAL_SETTINGS, warn_at: 5_000, block_at: 6_000 };
    const user = (tokens: number) => testerOn(FREE, { day: usedUp({ tokens }) });
    const codeAt = (tokens: number) => decideOn({ settings, user: user(tokens) }).code;
    expect([codeAt(498), codeAt(499), codeAt(599), codeAt(600)]).toEqual([
      "ok",
      "near-limit",
      "near-limit",
      "quota-exhausted",
    ]);
  });
});
