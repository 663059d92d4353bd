import { describe, expect, it } from "vitest";
import { thresholdCrossings } from "../../src/domain/alert.js";
import { type Amounts, noAmounts, type Quota } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { NOON, usedUp } from "../support/decision.js";

const TOKENS: Quota = { meter: "tokens", period: "day", limit: 1_000 };
const COST: Quota = { meter: "cost", period: "month", limit: 1_000 };

function crossed(
  quotas: Quota[],
  day: Partial<Amounts>,
  amounts: Partial<Amounts>,
  forgiven: Partial<Amounts> = {},
) {
  return thresholdCrossings(
    quotas,
    { day: usedUp(day, forgiven), month: usedUp(day) },
    { ...noAmounts(), ...amounts },
    INITIAL_SETTINGS,
    { userId: 7, index: { day: 20_000, month: 24_000 }, at: NOON },
  );
}
const marks = (used: number, more: number, forgiven = 0) =>
  crossed([TOKENS], { tokens: used }, { tokens: more }, { tokens: forgiven }).map(
    ({ threshold }) => threshold,
  );

describe("crossing a threshold", () => {
  it.each([
    [0, 799, []],
    [0, 800, [8_000]],
    [799, 1, [8_000]],
    [800, 1, []],
    [800, 149, []],
    [800, 150, [9_500]],
    [949, 1, [9_500]],
    [950, 500, []],
    [0, 950, [8_000, 9_500]],
    [0, 5_000, [8_000, 9_500]],
    [799, 0, []],
  ])("from %i by %i tokens of 1,000: %j", (used, more, expected) => {
    expect(marks(used, more)).toEqual(expected);
  });

  it("counts what was forgiven as not used", () => {
    expect(marks(900, 100, 900)).toEqual([]);
    expect(marks(900, 800, 900)).toEqual([8_000]);
    expect(marks(100, 100, 5_000)).toEqual([]);
  });

  it("says whose quota, which, and when", () => {
    expect(crossed([TOKENS, COST], { cost: 799 }, { cost: 1, tokens: 10 })).toEqual([
      {
        kind: "threshold",
        userId: 7,
        period: "month",
        index: 24_000,
        meter: "cost",
        threshold: 8_000,
        code: "",
        at: NOON,
      },
    ]);
    expect(crossed([TOKENS], {}, { tokens: 800 })).toMatchObject([
      { period: "day", index: 20_000, meter: "tokens" },
    ]);
  });

  it("cannot be done to a quota that is disabled", () => {
    expect(crossed([{ ...TOKENS, limit: 0 }], {}, { tokens: 10 })).toEqual([]);
  });
});
