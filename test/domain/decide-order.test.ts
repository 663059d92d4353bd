import { describe, expect, it } from "vitest";
import { DECISION_CODES, type DecisionCode, type DecisionInput, refusal } from "../../src/domain/decide.js";
import { storeUnavailable } from "../../src/domain/ledger.js";
import {
  asking,
  decideOn,
  instant,
  stopOf,
  testerOn,
  tierNamed,
  tierWith,
  usedUp,
} from "../support/decision.js";

const FREE = tierNamed("free");
const exhausted = { day: usedUp({ tokens: 1_000 }) };

/** Every reason to block at once, the first in the order first; each is taken away by the next step. */
const LADDER: readonly [DecisionCode, Partial<DecisionInput>][] = [
  ["emergency-stop", { stops: [stopOf()], user: null }],
  ["user-unknown", { stops: [], user: null }],
  ["user-suspended", { user: testerOn(FREE, { ...exhausted, status: "suspended" }) }],
  ["feature-not-in-tier", { user: testerOn(FREE, exhausted) }],
  ["unpriced", { ask: asking({ tokens: 1, unpriced: true }) }],
  ["quota-exhausted", { ask: asking({ tokens: 1 }) }],
  ["ok", { user: testerOn(FREE) }],
];
const EVERYTHING_WRONG: Partial<DecisionInput> = {
  ask: asking({ tokens: 1, feature: "seo_analysis", unpriced: true }),
};

describe("the order of a decision", () => {
  it("is stop, user known, user active, feature, price, quotas", () => {
    let input = EVERYTHING_WRONG;
    const codes: DecisionCode[] = [];
    for (const [, step] of LADDER) {
      input = { ...input, ...step };
      codes.push(decideOn(input).code);
    }
    expect(codes).toEqual(LADDER.map(([code]) => code));
  });

  it.each(["active", "suspended", "removed"] as const)("a stop comes before a user who is %s", (status) => {
    const input = { ...EVERYTHING_WRONG, user: testerOn(FREE, { ...exhausted, status }) };
    expect(decideOn({ ...input, stops: [stopOf()] }).code).toBe("emergency-stop");
  });

  it("a stop beats every override", () => {
    const since = 0;
    const unlimited = {
      id: 1,
      reason: null,
      since,
      until: null,
      kind: "quota",
      meter: "tokens",
      period: "day",
      limit: null,
    } as const;
    const user = testerOn(FREE, { overrides: [unlimited] });
    expect(decideOn({ user, stops: [stopOf()] }).code).toBe("emergency-stop");
  });

  it("a removed user is unknown", () => {
    const user = testerOn(FREE, { status: "removed" });
    expect(decideOn({ user })).toMatchObject({ outcome: "block", code: "user-unknown" });
  });

  it("carries all quota states along, also when something else blocks", () => {
    const input = { user: testerOn(FREE, exhausted), stops: [stopOf()] };
    const decision = decideOn(input);
    expect(decision.quotas.map(({ meter, used }) => [meter, used])).toEqual([
      ["tokens", 1_000],
      ["images", 0],
      ["cost", 0],
    ]);
    expect(decision).toMatchObject({ meter: null, limit: null, granted: 0, remaining: 0, resetsAt: null });
  });

  it("says until when a time-boxed stop lasts", () => {
    const until = instant("2026-11-22T14:00:00Z");
    expect(decideOn({ stops: [stopOf({ until })] })).toMatchObject({
      code: "emergency-stop",
      resetsAt: until,
    });
  });
});

describe("every code", () => {
  const throttle = stopOf({ action: "throttle" });
  const REACHED: Readonly<
    Record<DecisionCode, () => { readonly code: DecisionCode; readonly outcome: string }>
  > = {
    ok: () => decideOn({}),
    "near-limit": () => decideOn({ ask: asking({ tokens: 800 }) }),
    "quota-exhausted": () => decideOn({ user: testerOn(FREE, exhausted) }),
    "quota-disabled": () =>
      decideOn({ user: testerOn(tierWith({ meter: "tokens", period: "day", limit: 0 })) }),
    "request-too-large": () => decideOn({ ask: asking({ tokens: 1_001 }) }),
    "emergency-stop": () => decideOn({ stops: [stopOf()] }),
    "emergency-limit": () => decideOn({ user: testerOn(tierNamed("pro"), exhausted), stops: [throttle] }),
    "user-unknown": () => decideOn({ user: null }),
    "user-suspended": () => decideOn({ user: testerOn(FREE, { status: "suspended" }) }),
    "feature-not-in-tier": () => decideOn({ ask: asking({ feature: "seo_analysis" }) }),
    unpriced: () => decideOn({ ask: asking({ unpriced: true }) }),
    "already-settled": () => refusal("already-settled", []),
    "store-unavailable": storeUnavailable,
  };

  it.each([...DECISION_CODES])("%s is reached", (code) => {
    const outcome = code === "ok" ? "allow" : code === "near-limit" ? "warn" : "block";
    expect(REACHED[code]()).toMatchObject({ code, outcome });
  });
});

describe("features", () => {
  it.each([
    ["free", "blog_writer", "ok"],
    ["free", "basic_seo", "ok"],
    ["basic", "basic_seo", "feature-not-in-tier"],
    ["basic", "content_planning", "ok"],
    ["pro", "anything_else", "ok"],
  ])("on %s, %s: %s", (tier, feature, code) => {
    expect(decideOn({ user: testerOn(tierNamed(tier)), ask: asking({ tokens: 1, feature }) }).code).toBe(
      code,
    );
  });

  it("are asked about only when the request names one", () => {
    expect(decideOn({ user: testerOn({ ...FREE, features: [] }) }).code).toBe("ok");
  });
});
