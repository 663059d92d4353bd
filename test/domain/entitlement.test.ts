import { describe, expect, it } from "vitest";
import { entitlementOf, type Override } from "../../src/domain/entitlement.js";
import { METERS, PERIODS } from "../../src/domain/meter.js";
import { asking, decideOn, NOON, testerOn, tierNamed, usedUp } from "../support/decision.js";

const FREE = tierNamed("free");

type Change =
  | Partial<Extract<Override, { kind: "quota" }>>
  | (Partial<Extract<Override, { kind: "feature" }>> & { readonly kind: "feature" });

function override(change: Change): Override {
  const shared = { id: 1, reason: null, since: NOON - 1, until: null };
  return change.kind === "feature"
    ? { ...shared, feature: "seo_analysis", granted: true, ...change }
    : { ...shared, kind: "quota", meter: "tokens", period: "day", limit: 5_000, ...change };
}

const limitsWith = (...overrides: Override[]) =>
  entitlementOf(FREE, overrides, NOON).quotas.map(({ meter, period, limit, source }) => [
    `${meter}/${period}`,
    limit,
    source,
  ]);
const allows = (tier: string, feature: string, ...overrides: Override[]) =>
  entitlementOf(tierNamed(tier), overrides, NOON).allows(feature);

describe("a quota override", () => {
  const others = [
    ["images/day", 5, "tier"],
    ["cost/month", 10_000_000_000, "tier"],
  ];

  it("replaces one quota and leaves the others", () => {
    expect(limitsWith(override({ limit: 5_000 }))).toEqual([["tokens/day", 5_000, "override"], ...others]);
    expect(limitsWith(override({ limit: 0 }))).toEqual([["tokens/day", 0, "override"], ...others]);
  });

  it("lifts one quota when it is unlimited", () => {
    expect(limitsWith(override({ limit: null }))).toEqual(others);
  });

  it("adds a quota that the tier has not", () => {
    expect(limitsWith(override({ meter: "requests", period: "month", limit: 3 }))).toEqual([
      ["tokens/day", 1_000, "tier"],
      ...others,
      ["requests/month", 3, "override"],
    ]);
    expect(limitsWith(override({ period: "month", limit: null }))).toEqual(limitsWith());
  });

  it("is told apart by meter and period", () => {
    for (const meter of METERS) {
      for (const period of PERIODS) {
        const found = limitsWith(override({ meter, period, limit: 77 })).filter(([, limit]) => limit === 77);
        expect(found).toEqual([[`${meter}/${period}`, 77, "override"]]);
      }
    }
  });

  it("may also lower a limit", () => {
    const user = testerOn(FREE, { overrides: [override({ limit: 100 })], day: usedUp({ tokens: 95 }) });
    expect(decideOn({ user })).toMatchObject({ code: "quota-exhausted", limit: 100 });
  });

  it("lets through what the tier would refuse", () => {
    const day = usedUp({ tokens: 1_000 });
    expect(decideOn({ user: testerOn(FREE, { day }) }).code).toBe("quota-exhausted");
    for (const limit of [5_000, null]) {
      const user = testerOn(FREE, { day, overrides: [override({ limit })] });
      expect(decideOn({ user, ask: asking({ tokens: 1 }) }).code).toBe("ok");
    }
  });
});

describe("the life of an override", () => {
  it.each([
    ["begins now", { since: NOON }, true],
    ["began by a clock that is ahead", { since: NOON + 1 }, true],
    ["ends later", { until: NOON + 1 }, true],
    ["ends now", { until: NOON }, false],
    ["ended", { until: NOON - 1 }, false],
  ])("%s", (_, life, live) => {
    expect(limitsWith(override({ ...life, limit: 7 }))[0]).toEqual(
      live ? ["tokens/day", 7, "override"] : ["tokens/day", 1_000, "tier"],
    );
    expect(allows("free", "seo_analysis", override({ ...life, kind: "feature" }))).toBe(live);
  });
});

describe("a feature override", () => {
  const granted = (feature: string) => override({ kind: "feature", feature, granted: true });
  const denied = (feature: string) => override({ kind: "feature", feature, granted: false });

  it("grants one feature", () => {
    expect(allows("free", "seo_analysis")).toBe(false);
    expect(allows("free", "seo_analysis", granted("seo_analysis"))).toBe(true);
    expect(allows("free", "content_planning", granted("seo_analysis"))).toBe(false);
  });

  it("denies one feature, also of a tier that allows all of them", () => {
    expect(allows("free", "blog_writer", denied("blog_writer"))).toBe(false);
    expect(allows("free", "basic_seo", denied("blog_writer"))).toBe(true);
    expect(allows("pro", "blog_writer", denied("blog_writer"))).toBe(false);
    expect(allows("pro", "basic_seo", denied("blog_writer"))).toBe(true);
  });

  it("grants all of them, save what is denied", () => {
    expect(allows("free", "anything", granted("all_features"))).toBe(true);
    expect(allows("free", "anything", granted("all_features"), denied("anything"))).toBe(false);
  });

  it("takes all_features away and leaves what the tier names", () => {
    expect(allows("pro", "blog_writer", denied("all_features"))).toBe(false);
    expect(allows("pro", "advanced_analytics", denied("all_features"))).toBe(true);
  });
});
