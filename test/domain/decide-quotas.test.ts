import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Amounts } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import {
  asking,
  decideOn,
  instant,
  NOON,
  stopOf,
  testerOn,
  tierNamed,
  tierWith,
  usedUp,
} from "../support/decision.js";
import { dateIn } from "../support/ledger-model.js";

const FREE = tierNamed("free");
const USD = 1_000_000_000;

/** What Free says to a call, with so much used today and held by calls in flight. */
function onFree(used: Partial<Amounts>, ask: Partial<Amounts>, held: Partial<Amounts> = {}) {
  return decideOn({ user: testerOn(FREE, { day: usedUp(used), held }), ask: asking(ask) });
}

describe("what a request touches", () => {
  const noImages = { images: 5 };
  const noTokens = { tokens: 1_000 };

  it("exhausted images do not stop text, and the other way round", () => {
    expect(onFree(noImages, { tokens: 10 })).toMatchObject({ outcome: "allow", code: "ok" });
    expect(onFree(noTokens, { images: 1 })).toMatchObject({ outcome: "allow", code: "ok" });
    expect(onFree(noImages, { tokens: 10, images: 0 }).code).toBe("ok");
  });

  it("a request that states neither touches both", () => {
    expect(onFree(noImages, {})).toMatchObject({ code: "quota-exhausted", meter: "images" });
    expect(onFree(noTokens, {})).toMatchObject({ code: "quota-exhausted", meter: "tokens" });
  });

  it("a request that states none of either touches neither", () => {
    expect(onFree({ ...noTokens, ...noImages }, { tokens: 0, images: 0 }).code).toBe("ok");
  });

  it("cost and requests are always touched", () => {
    const cost = testerOn(FREE, { month: usedUp({ cost: 9.5 * USD }) });
    expect(decideOn({ user: cost, ask: asking({ images: 1 }) })).toMatchObject({
      code: "quota-exhausted",
      meter: "cost",
    });
    const requests = testerOn(tierWith({ meter: "requests", period: "day", limit: 3 }), {
      day: usedUp({ requests: 3 }),
    });
    expect(decideOn({ user: requests, ask: asking({ tokens: 1 }) }).meter).toBe("requests");
  });

  it("reports the quotas that it does not touch", () => {
    const { quotas } = onFree(noImages, { tokens: 10 });
    expect(quotas.map(({ meter, touched, code }) => [meter, touched, code])).toEqual([
      ["tokens", true, "ok"],
      ["images", false, "quota-exhausted"],
      ["cost", true, "ok"],
    ]);
  });
});

describe("the quota that is named", () => {
  const tier = tierWith(
    { meter: "tokens", period: "day", limit: 100 },
    { meter: "images", period: "day", limit: 10 },
    { meter: "cost", period: "month", limit: 1_000 },
    { meter: "requests", period: "day", limit: 10 },
  );
  const named = (day: Partial<Amounts>, month: Partial<Amounts> = {}) =>
    decideOn({
      user: testerOn(tier, { day: usedUp(day), month: usedUp(month) }),
      ask: asking({ tokens: 1, images: 1 }),
    });

  it("is the one that blocks, however full another is that only warns", () => {
    // Images: 10 of 10 after this call, a warning at 100 %. Requests: block at 95 % of 10, rounded up.
    const decision = named({ images: 9, requests: 10 });
    expect(decision).toMatchObject({ outcome: "block", meter: "requests" });
    const tooLarge = decideOn({
      user: testerOn(tier, { day: usedUp({ images: 9, tokens: 50 }) }),
      ask: asking({ tokens: 51, images: 1 }),
    });
    expect(tooLarge).toMatchObject({ code: "request-too-large", meter: "tokens" });
  });

  it("is the fullest among those that say the same", () => {
    expect(named({ tokens: 10, images: 5, requests: 3 })).toMatchObject({
      outcome: "allow",
      meter: "images",
    });
    expect(named({ tokens: 85, images: 8, requests: 7 }, { cost: 949 })).toMatchObject({
      outcome: "warn",
      meter: "cost",
    });
    expect(named({ tokens: 99, images: 12 }, { cost: 1_100 })).toMatchObject({
      outcome: "block",
      meter: "images",
    });
  });

  it("is the disabled one before every other that blocks", () => {
    const disabled = tierWith(...tier.quotas, { meter: "cost", period: "day", limit: 0 });
    const decision = decideOn({
      user: testerOn(disabled, { day: usedUp({ images: 40 }) }),
      ask: asking({ images: 1 }),
    });
    expect(decision).toMatchObject({ code: "quota-disabled", meter: "cost", period: "day" });
  });

  it("is none where nothing is limited", () => {
    expect(decideOn({ user: testerOn(tierWith()) })).toMatchObject({
      outcome: "allow",
      code: "ok",
      meter: null,
      limit: null,
      remaining: null,
      resetsAt: null,
      quotas: [],
    });
  });
});

describe("forgiveness", () => {
  const forgiven = testerOn(FREE, { day: usedUp({ tokens: 1_400 }, { tokens: 1_400 }) });

  it("gives a fresh quota", () => {
    expect(decideOn({ user: forgiven, ask: asking({ tokens: 100 }) })).toMatchObject({
      code: "ok",
      used: 0,
      remaining: 1_000,
    });
  });

  it("never counts as credit beyond what was used", () => {
    const user = testerOn(FREE, { day: usedUp({ tokens: 10 }, { tokens: 500 }) });
    expect(decideOn({ user, ask: asking({ tokens: 1_001 }) })).toMatchObject({
      code: "request-too-large",
      used: 0,
    });
  });

  it("is of its own window", () => {
    const user = testerOn(FREE, {
      month: usedUp({ cost: 9.6 * USD }),
      day: usedUp({ cost: 5 * USD }, { cost: 5 * USD }),
    });
    expect(decideOn({ user }).code).toBe("quota-exhausted");
  });

  it("does not count against emergency limits", () => {
    const decision = decideOn({ user: forgiven, stops: [stopOf({ action: "throttle" })] });
    expect(decision).toMatchObject({ code: "emergency-limit", meter: "tokens", used: 1_400, remaining: 0 });
  });
});

describe("resetsAt", () => {
  const zones = [
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
  ];
  const tier = tierWith(
    { meter: "tokens", period: "day", limit: 10 },
    { meter: "cost", period: "month", limit: 10 },
  );

  it("is the first instant of the next local date or month", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: instant("2000-01-01"), max: instant("2038-01-01") }),
        (zone, at) => {
          const date = dateIn(zone);
          const { quotas } = decideOn({
            user: testerOn(tier),
            settings: { ...INITIAL_SETTINGS, time_zone: zone },
            at,
          });
          for (const [length, quota] of [
            ["2026-11-22".length, quotas[0]],
            ["2026-11".length, quotas[1]],
          ] as const) {
            const resetsAt = quota?.resetsAt ?? expect.fail("a quota that is not disabled resets");
            const label = (when: number) => date(when).slice(0, length);
            expect(resetsAt).toBeGreaterThan(at);
            expect(label(resetsAt - 1)).toBe(label(at));
            expect(label(resetsAt) > label(at)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ["Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-30T00:00:00+02:00"],
    ["Europe/Berlin", "2026-10-24T23:59:59+02:00", "2026-10-25T00:00:00+02:00"],
    ["Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"],
    ["America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00"],
  ])("in %s at %s is %s", (zone, at, next) => {
    const user = testerOn(tierWith({ meter: "tokens", period: "day", limit: 10 }));
    const settings = { ...INITIAL_SETTINGS, time_zone: zone };
    expect(decideOn({ user, settings, at: instant(at) }).resetsAt).toBe(instant(next));
  });

  it("follows the period of the quota that is named", () => {
    const user = testerOn(FREE, { month: usedUp({ cost: 10 * USD }) });
    expect(decideOn({ user, at: NOON })).toMatchObject({
      period: "month",
      resetsAt: instant("2026-12-01T00:00:00Z"),
    });
  });
});
