import { describe, expect, it } from "vitest";
import {
  covers,
  isThrottled,
  type StopScope,
  type StopSubject,
  stopFor,
} from "../../src/domain/emergency.js";
import type { Override } from "../../src/domain/entitlement.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { canonicalProvider } from "../../src/domain/usage.js";
import {
  asking,
  decideOn,
  NOON,
  stopOf,
  testerOn,
  tierNamed,
  tierWith,
  usedUp,
} from "../support/decision.js";

const CALL: StopSubject = {
  userId: 7,
  tier: "free",
  provider: "google",
  model: "flash",
  feature: "blog_writer",
};
const covered = (scope: StopScope, subject: StopSubject = CALL) => covers(stopOf({ scope }), subject, NOON);

describe("the scope of a stop", () => {
  it("is everything when it names nothing", () => {
    expect(covered({})).toBe(true);
    expect(covered({}, {})).toBe(true);
  });

  it.each([
    { userId: 8 },
    { tier: "basic" },
    { provider: "openai" },
    { model: "pro" },
    { feature: "basic_seo" },
  ])("leaves alone what it does not name: %o", (scope) => {
    expect(covered(scope)).toBe(false);
  });

  it("needs all that it names", () => {
    const whole = { userId: 7, tier: "free", provider: "google", model: "flash", feature: "blog_writer" };
    expect(covered(whole)).toBe(true);
    for (const key of ["tier", "provider", "model", "feature"] as const) {
      expect(covered({ ...whole, [key]: "other" })).toBe(false);
    }
    expect(covered({ ...whole, userId: 8 })).toBe(false);
  });

  it.each(["provider", "model", "feature"] as const)("covers a request that does not say its %s", (key) => {
    const { [key]: _, ...without } = CALL;
    expect(covered({ [key]: "other" }, without)).toBe(true);
    expect(covered({ [key]: "other" }, { ...CALL, [key]: "" })).toBe(true);
    // What is left out in one dimension does not widen another.
    expect(covered({ [key]: "other", userId: 8 }, without)).toBe(false);
  });

  it.each([
    [{ userId: 8 }, "userId"],
    [{ tier: "other" }, "tier"],
  ] as const)("covers a request of somebody not known, and none of nobody's: %o", (scope, key) => {
    const { [key]: _, ...without } = CALL;
    expect(covered(scope, without)).toBe(true);
    expect(covered(scope, { ...CALL, [key]: null })).toBe(false);
  });

  it("is one of several: any stop that covers the request will do", () => {
    const stops = [
      stopOf({ id: 1, scope: { tier: "pro" } }),
      stopOf({ id: 2, scope: { model: "flash" } }),
      stopOf({ id: 3 }),
    ];
    expect(stopFor(stops, CALL, NOON)?.id).toBe(2);
    expect(stopFor(stops.slice(0, 1), CALL, NOON)).toBeUndefined();
  });

  it("knows a provider under all its names", () => {
    for (const [typed, stated] of [
      ["Gemini", "google"],
      ["google", " vertex_ai "],
      ["claude", "Anthropic"],
      ["azure_openai", "az.ai.openai"],
    ] as const) {
      expect(
        covered({ provider: canonicalProvider(typed) }, { ...CALL, provider: canonicalProvider(stated) }),
      ).toBe(true);
    }
    expect(canonicalProvider("OpenAI")).toBe("openai");
  });
});

describe("a time box", () => {
  const boxed = stopOf({ since: NOON, until: NOON + 1_000 });

  it("ends before its end, and has begun even for a clock that is behind the one of who stopped", () => {
    const inForce = [-1, 0, 999, 1_000].map((offset) => covers(boxed, CALL, NOON + offset));
    expect(inForce).toEqual([true, true, true, false]);
  });

  it("lets calls through again by itself", () => {
    expect(decideOn({ stops: [boxed], at: NOON + 999 }).code).toBe("emergency-stop");
    expect(decideOn({ stops: [boxed], at: NOON + 1_000 }).code).toBe("ok");
  });
});

describe("a scoped stop", () => {
  it("stops the users of a tier, by the tier they are on", () => {
    const stops = [stopOf({ scope: { tier: "pro" } })];
    expect(decideOn({ stops }).code).toBe("ok");
    expect(decideOn({ stops, user: testerOn(tierNamed("pro")) }).code).toBe("emergency-stop");
  });

  it("stops one user", () => {
    const stops = [stopOf({ scope: { userId: 7 } })];
    expect(decideOn({ stops }).code).toBe("emergency-stop");
    expect(decideOn({ stops, user: testerOn(tierNamed("free"), { id: 8 }) }).code).toBe("ok");
  });
});

describe("throttling", () => {
  const throttle = [stopOf({ action: "throttle" })];
  const pro = (used: object = {}, overrides: Override[] = []) =>
    testerOn(tierNamed("pro"), { day: usedUp(used), overrides });

  it("is no stop", () => {
    expect(stopFor(throttle, CALL, NOON)).toBeUndefined();
    expect(isThrottled(throttle, CALL, NOON)).toBe(true);
    expect(isThrottled([stopOf()], CALL, NOON)).toBe(false);
    expect(decideOn({ stops: throttle }).code).toBe("ok");
  });

  it("blocks at the whole of the emergency limit and not at 95 % of it", () => {
    const codeAt = (tokens: number) =>
      decideOn({ stops: throttle, user: pro({ tokens }), ask: asking({ tokens: 1 }) }).code;
    expect([798, 799, 950, 999, 1_000].map(codeAt)).toEqual([
      "ok",
      "near-limit",
      "near-limit",
      "near-limit",
      "emergency-limit",
    ]);
  });

  it("refuses what would go over it, as an emergency limit", () => {
    const user = pro({ tokens: 600 });
    expect(decideOn({ stops: throttle, user, ask: asking({ tokens: 400 }) }).code).toBe("near-limit");
    const decision = decideOn({ stops: throttle, user, ask: asking({ tokens: 401 }) });
    expect(decision).toMatchObject({ code: "emergency-limit", limit: 1_000, granted: 0 });
  });

  it("limits the cost of a day to five dollars", () => {
    const user = pro({ cost: 4_999_999_999 });
    expect(decideOn({ stops: throttle, user, ask: asking({ images: 1, cost: 1 }) }).code).toBe("near-limit");
    expect(decideOn({ stops: throttle, user, ask: asking({ images: 1, cost: 2 }) })).toMatchObject({
      code: "emergency-limit",
      meter: "cost",
      period: "day",
      limit: 5_000_000_000,
    });
  });

  it("is a minimum: a tier that allows less still binds", () => {
    const user = testerOn(tierWith({ meter: "tokens", period: "day", limit: 100 }), {
      day: usedUp({ tokens: 95 }),
    });
    expect(decideOn({ stops: throttle, user })).toMatchObject({ code: "quota-exhausted", limit: 100 });
  });

  it("holds against overrides, unlimited ones too", () => {
    const override = {
      id: 1,
      reason: null,
      since: 0,
      until: null,
      kind: "quota",
      meter: "tokens",
      period: "day",
      limit: null,
    } as const;
    expect(decideOn({ stops: throttle, user: pro({ tokens: 1_000 }, [override]) }).code).toBe(
      "emergency-limit",
    );
  });

  it("counts calls in flight, and holds only whom it covers", () => {
    const user = { ...pro({ tokens: 500 }), held: { tokens: 500, images: 0, cost: 0, requests: 1 } };
    expect(decideOn({ stops: throttle, user }).code).toBe("emergency-limit");
    expect(decideOn({ stops: [stopOf({ action: "throttle", scope: { tier: "free" } })], user }).code).toBe(
      "ok",
    );
    expect(decideOn({ stops: [], user }).code).toBe("ok");
  });

  it("takes its limits from the settings, 0 among them", () => {
    const settings = { ...INITIAL_SETTINGS, emergency_tokens: 0 };
    expect(decideOn({ stops: throttle, settings })).toMatchObject({
      code: "emergency-limit",
      limit: 0,
      resetsAt: null,
    });
  });
});
