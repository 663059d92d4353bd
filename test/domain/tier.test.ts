import { describe, expect, it } from "vitest";
import {
  allowsFeature,
  byRank,
  INITIAL_TIERS,
  neighbour,
  quotaFor,
  requireLimit,
  requireName,
  requireTier,
  type Tier,
  withQuota,
} from "../../src/domain/tier.js";
import { AlphaError } from "../../src/errors.js";

const USD = 1_000_000_000;
const FREE = INITIAL_TIERS[0] as Tier;

function refused(run: () => unknown): AlphaError {
  try {
    run();
  } catch (error) {
    if (error instanceof AlphaError) return error;
    throw error;
  }
  return expect.fail("nothing was refused");
}

describe("the first tiers", () => {
  it("are the plan's, limits and features", () => {
    const table = INITIAL_TIERS.map(({ key, label, rank, quotas, features }) => [
      key,
      label,
      rank,
      ...quotas.map(({ meter, period, limit }) => `${meter}/${period} ${limit}`),
      features.join(" "),
    ]);
    expect(table).toEqual([
      [
        "free",
        "Free Alpha",
        1,
        "tokens/day 1000",
        "images/day 5",
        `cost/month ${10 * USD}`,
        "blog_writer basic_seo",
      ],
      [
        "basic",
        "Basic Alpha",
        2,
        "tokens/day 10000",
        "images/day 50",
        `cost/month ${100 * USD}`,
        "blog_writer seo_analysis content_planning",
      ],
      [
        "pro",
        "Pro Alpha",
        3,
        "tokens/day 50000",
        "images/day 200",
        `cost/month ${500 * USD}`,
        "all_features advanced_analytics",
      ],
    ]);
  });

  it("pass their own checks", () => {
    for (const tier of INITIAL_TIERS) expect(requireTier(tier)).toBe(tier);
  });
});

describe("the ladder", () => {
  const shuffled = [INITIAL_TIERS[2], INITIAL_TIERS[0], INITIAL_TIERS[1]] as Tier[];

  it("is sorted by rank, whatever the order of the tiers", () => {
    expect(byRank(shuffled).map(({ key }) => key)).toEqual(["free", "basic", "pro"]);
    expect(shuffled[0]?.key).toBe("pro");
  });

  it.each([
    ["free", "up", "basic"],
    ["basic", "up", "pro"],
    ["pro", "up", undefined],
    ["pro", "down", "basic"],
    ["free", "down", undefined],
    ["nowhere", "up", undefined],
    ["nowhere", "down", undefined],
  ] as const)("from %s %s is %s", (from, step, to) => {
    expect(neighbour(shuffled, from, step)?.key).toBe(to);
  });
});

describe("features", () => {
  it("are those named, or all of them", () => {
    expect(allowsFeature(["a"], "a")).toBe(true);
    expect(allowsFeature(["a"], "b")).toBe(false);
    expect(allowsFeature(["all_features"], "b")).toBe(true);
    expect(allowsFeature([], "all_features")).toBe(false);
  });
});

describe("quotas", () => {
  it("are found by meter and period; none means unlimited", () => {
    expect(quotaFor(FREE.quotas, "tokens", "day")?.limit).toBe(1_000);
    expect(quotaFor(FREE.quotas, "tokens", "month")).toBeUndefined();
    expect(quotaFor(FREE.quotas, "requests", "day")).toBeUndefined();
  });

  it("are replaced, added and removed one at a time", () => {
    const limits = (quotas: readonly Tier["quotas"][number][]) =>
      Object.fromEntries(quotas.map(({ meter, period, limit }) => [`${meter}/${period}`, limit]));
    const before = limits(FREE.quotas);
    const change = (meter: "tokens" | "requests", limit: number | null) =>
      limits(withQuota(FREE.quotas, { meter, period: "day", limit }));
    expect(change("tokens", 7)).toEqual({ ...before, "tokens/day": 7 });
    expect(change("tokens", 0)).toEqual({ ...before, "tokens/day": 0 });
    expect(change("requests", 7)).toEqual({ ...before, "requests/day": 7 });
    const { "tokens/day": _, ...rest } = before;
    expect(change("tokens", null)).toEqual(rest);
    expect(limits(FREE.quotas)).toEqual(before);
  });
});

describe("what cannot be a tier", () => {
  it.each(["", "Free", "a b", "-a", "_a", "é", "a".repeat(65), "a\n"])("the name %j", (name) => {
    expect(refused(() => requireName("tier", name))).toMatchObject({ code: "usage" });
  });

  it.each(["a", "9", "free_2-b", "a".repeat(64)])("but the name %j can", (name) => {
    expect(requireName("feature", name)).toBe(name);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("a limit of %d", (limit) => {
    const error = refused(() => requireLimit(limit, "the tokens limit per day"));
    expect(error).toMatchObject({ code: "usage", hint: expect.stringContaining("unlimited") });
    expect(error.message).toContain("the tokens limit per day");
    expect(
      refused(() => requireTier({ ...FREE, quotas: [{ meter: "cost", period: "day", limit }] })).code,
    ).toBe("usage");
  });

  it.each([{ key: "NO" }, { label: " " }, { rank: 0 }, { rank: 1.5 }, { features: ["ok", "not ok"] }])(
    "%o",
    (change) => {
      expect(refused(() => requireTier({ ...FREE, ...change })).code).toBe("usage");
    },
  );
});
