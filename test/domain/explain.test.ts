import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Override } from "../../src/domain/entitlement.js";
import { EXPLAINED_STEPS, explain } from "../../src/domain/explain.js";
import { type GuardrailState, NOTHING_HELD } from "../../src/domain/guardrail.js";
import { checkRequest } from "../../src/domain/ledger.js";
import { type Hold, type LedgerState, type LedgerUser, windowKey } from "../../src/domain/ledger-model.js";
import { noAmounts } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { calendar } from "../../src/domain/window.js";
import { NOON, stopOf, tierNamed, usedUp } from "../support/decision.js";
import { requestOf } from "../support/ledger-stream.js";

const DAY = calendar("UTC").dayOf(NOON);
const MONTH = calendar("UTC").monthOf(NOON);
const ADA: LedgerUser = {
  id: 7,
  key: "ada",
  status: "active",
  tier: tierNamed("free"),
  overrides: [],
  windows: new Map(),
  holds: new Map(),
};

function userWith(more: Partial<LedgerUser>, tokens = 0, images = 0): LedgerUser {
  const used = usedUp({ tokens, images });
  return {
    ...ADA,
    windows: new Map([
      [windowKey("day", DAY), used],
      [windowKey("month", MONTH), used],
    ]),
    ...more,
  };
}

function stateOf(user: LedgerUser, more: Partial<LedgerState> = {}): LedgerState {
  return {
    settings: INITIAL_SETTINGS,
    stops: [],
    ownPrices: null,
    users: new Map([[user.key, user]]),
    knownEvents: new Map(),
    knownProviderIds: new Set(),
    guardrails: [],
    systemHeld: NOTHING_HELD,
    ...more,
  };
}

const given = { reason: null, since: 0, until: null };
const tokensOverride: Override = {
  id: 1,
  ...given,
  kind: "quota",
  meter: "tokens",
  period: "day",
  limit: 5_000,
};
const overrides: readonly Override[] = [
  tokensOverride,
  { ...tokensOverride, id: 2, limit: null, until: NOON },
  { id: 3, ...given, kind: "feature", feature: "basic_seo", granted: false },
  { id: 4, ...given, kind: "feature", feature: "labs", granted: true, until: NOON + 1 },
  { id: 5, ...given, kind: "feature", feature: "all_features", granted: true },
  { id: 6, ...given, kind: "quota", meter: "images", period: "day", limit: 0 },
];
const hold: Hold = {
  id: "r",
  amounts: { ...noAmounts(), tokens: 100, requests: 1 },
  kind: { provider: "", model: "", feature: "" },
  createdAt: NOON - 60_000,
  expiresAt: NOON + 60_000,
};
const stops = [
  stopOf({ id: 1, until: NOON }),
  stopOf({ id: 2, scope: { provider: "openai" } }),
  stopOf({ id: 3, action: "throttle", scope: { tier: "free" } }),
  stopOf({ id: 4, scope: { userId: 8 } }),
];
const guarded: GuardrailState = {
  guardrail: { id: 1, meter: "tokens", period: "day", limit: 1_000, action: "stop" },
  index: DAY,
  used: 700,
  tripped: false,
};

const cases = fc.record({
  user: fc
    .record({
      status: fc.constantFrom(
        "active" as const,
        "active" as const,
        "active" as const,
        "suspended" as const,
        "removed" as const,
      ),
      tier: fc.constantFrom(tierNamed("free"), tierNamed("pro"), { ...tierNamed("free"), callTokens: 500 }),
      overrides: fc.subarray([...overrides]),
      holds: fc.constantFrom(
        new Map(),
        new Map([["r", hold]]),
        new Map([["r", { ...hold, expiresAt: NOON }]]),
      ),
    })
    .chain((more) =>
      fc
        .tuple(fc.constantFrom(0, 700, 900, 950, 4_800), fc.constantFrom(0, 4, 5))
        .map(([tokens, images]) => userWith(more, tokens, images)),
    ),
  stops: fc.subarray(stops),
  guardrails: fc.constantFrom(
    [],
    [guarded],
    [{ ...guarded, guardrail: { ...guarded.guardrail, action: "alert" as const } }],
  ),
  unpriced: fc.constantFrom("assume" as const, "block" as const, "ignore" as const),
  request: fc.record({
    provider: fc.constantFrom("", "openai", "google"),
    model: fc.constantFrom("", "flash"),
    feature: fc.constantFrom("", "blog_writer", "basic_seo", "labs", "advanced_analytics"),
    tokens: fc.constantFrom(null, 0, 50, 600),
    images: fc.constantFrom(null, 0, 1),
    cost: fc.constantFrom(null, 0, 20_000_000),
  }),
});

describe("an explanation", () => {
  it("is of the very decision, and the facts of the step that blocks say why", () => {
    fc.assert(
      fc.property(cases, ({ user, unpriced, request, ...state }) => {
        const settings = { ...INITIAL_SETTINGS, unpriced };
        const ledger = stateOf(user, { settings, ...state });
        const asked = requestOf({ dearest: null, ...request });
        const told = explain(ledger, user, asked, NOON);
        const { decision, verdicts } = told;
        expect(decision).toEqual(checkRequest(ledger, "ada", asked, NOON));

        const order = EXPLAINED_STEPS.map((step) => verdicts[step]);
        const blocked = order.indexOf("blocks");
        expect(blocked >= 0).toBe(decision.outcome === "block");
        const byCeiling = decision.code === "request-too-large" && decision.period === null;
        if (byCeiling) expect(verdicts.call).toBe("blocks");
        if (blocked >= 0 && !byCeiling) {
          expect(order.slice(0, blocked).every((each) => each === "passes")).toBe(true);
          expect(order.slice(blocked + 1).every((each) => each === "not-reached")).toBe(true);
        }
        if (blocked < 0) expect(order.includes("warns")).toBe(decision.outcome === "warn");

        const trippedStop = told.trips.some(({ guardrail }) => guardrail.action === "stop");
        const { featureBy, ask, binding, ceiling } = told;
        const granted = told.overrides.findLast(
          (each) => each.kind === "feature" && each.feature === ask.feature,
        );
        const denied = featureBy === "override" && granted?.kind === "feature" && !granted.granted;
        const reasons = [
          told.stop !== null || trippedStop,
          user.status !== "active",
          ask.feature !== "" && (featureBy === null || denied),
          ask.unpriced,
          binding?.outcome === "block",
          ceiling !== null && ask.amounts.tokens > ceiling,
        ];
        expect(reasons.indexOf(true)).toBe(blocked);
      }),
      { numRuns: 1_000 },
    );
  });

  it("of a quota says from where on it warns and refuses, and what the tier says without the override", () => {
    const user = userWith(
      { overrides: [tokensOverride, { ...tokensOverride, id: 9, meter: "requests" }] },
      700,
    );
    const { quotas, binding } = explain(stateOf(user), user, requestOf({ tokens: 10, images: 0 }), NOON);
    const told = quotas.map(({ meter, limit, warnFrom, blockFrom, tierLimit }) => {
      return [meter, limit, warnFrom, blockFrom, tierLimit];
    });
    expect(told).toEqual([
      ["tokens", 5_000, 4_000, 4_750, 1_000],
      ["images", 5, 4, 5, undefined],
      ["cost", 10_000_000_000, 8_000_000_000, 9_500_000_000, undefined],
      ["requests", 5_000, 4_000, 4_750, null],
    ]);
    expect(binding?.meter).toBe("tokens");
  });

  it("of an emergency limit says that it refuses at the limit itself", () => {
    const stops = [stopOf({ action: "throttle" })];
    const { quotas } = explain(stateOf(ADA, { stops }), ADA, requestOf({ tokens: 1 }), NOON);
    const emergency = quotas.filter(({ source }) => source === "emergency");
    expect(emergency.map(({ limit, blockFrom }) => [limit, blockFrom])).toEqual([
      [1_000, 1_000],
      [5_000_000_000, 5_000_000_000],
    ]);
  });

  it.each([
    [{ cost: 5 }, "stated"],
    [{ tokens: 0, images: 0, model: "" }, "nothing"],
    [{ tokens: 10, model: "" }, "planning"],
    [{ tokens: 10, model: "new" }, "planning"],
  ] as const)("says what a cost was taken from: %j is %s", (request, basis) => {
    const asked = requestOf({ cost: null, dearest: null, ...request });
    expect(explain(stateOf(ADA), ADA, asked, NOON).costBasis).toBe(basis);
  });

  it("lists what is on for somebody, whether or not it covers this call", () => {
    const on = [stopOf({ id: 2, scope: { provider: "openai" } }), stopOf({ id: 4, scope: { userId: 8 } })];
    const told = explain(stateOf(ADA, { stops: on }), ADA, requestOf({ provider: "google" }), NOON);
    expect(told.stop).toBeNull();
    expect(told.stops.map(({ id }) => id)).toEqual([2]);
  });
});
