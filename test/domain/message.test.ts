import { describe, expect, it } from "vitest";
import { DECISION_CODES, type QuotaState } from "../../src/domain/decide.js";
import type { Stop } from "../../src/domain/emergency.js";
import { storeUnavailable } from "../../src/domain/ledger.js";
import { amountInWords, boundMessage, decisionMessage } from "../../src/domain/message.js";
import { type Amounts, METERS, PERIODS } from "../../src/domain/meter.js";
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

const FREE = tierNamed("free");
const USD = 1_000_000_000;
const settings = { ...INITIAL_SETTINGS, time_zone: "Europe/Berlin" };

function told(
  ask: Parameters<typeof asking>[0],
  used: Partial<Amounts> = {},
  { held = {}, stops = [] as Stop[] } = {},
): string {
  const user = testerOn(FREE, { day: usedUp(used), month: usedUp(used), held });
  return decideOn({ user, ask: asking(ask), settings, stops }).message;
}

const BACK_TOMORROW = "The limit starts anew at 2026-11-23 00:00 (Europe/Berlin).";

describe("what a tester reads", () => {
  it.each([
    [told({ tokens: 100 }), `You have 900 tokens of 1,000 left today after this call. ${BACK_TOMORROW}`],
    [
      told({ images: 1 }, { images: 3 }),
      `You have 1 image of 5 left today after this call. ${BACK_TOMORROW}`,
    ],
    [
      told({ images: 1 }, { images: 4 }),
      `You have 0 images of 5 left today after this call. ${BACK_TOMORROW}`,
    ],
    [told({ tokens: 1 }, { tokens: 950 }), `Your daily tokens are used up (950 of 1,000). ${BACK_TOMORROW}`],
    [
      told({ tokens: 1 }, { tokens: 900 }, { held: { tokens: 60 } }),
      `Your daily tokens are used up (960 of 1,000, calls in progress included). ${BACK_TOMORROW}`,
    ],
    [
      told({ tokens: 60 }, { tokens: 945 }),
      `This call asks for 60 tokens, but only 55 tokens of your daily limit of 1,000 are left. ${BACK_TOMORROW}`,
    ],
    [
      told({ images: 2 }, { images: 4 }),
      `This call asks for 2 images, but only 1 image of your daily limit of 5 is left. ${BACK_TOMORROW}`,
    ],
    [told({ tokens: 1_200 }), "This call asks for 1,200 tokens, more than your whole daily limit of 1,000."],
    [
      told({ tokens: 1 }, { cost: 9.5 * USD }),
      "Your monthly budget is used up ($9.50 of $10.00). The limit starts anew at 2026-12-01 00:00 (Europe/Berlin).",
    ],
    [
      told({ tokens: 1, cost: 2 * USD }, { cost: 9 * USD }),
      "This call asks for $2.00, but only $1.00 of your monthly limit of $10.00 is left. The limit starts anew at 2026-12-01 00:00 (Europe/Berlin).",
    ],
    [
      told({ tokens: 1 }, {}, { stops: [stopOf()] }),
      "All calls are stopped for now. Please try again later.",
    ],
    [
      told({ tokens: 1 }, {}, { stops: [stopOf({ until: NOON + 3_600_000 })] }),
      "All calls are stopped until 2026-11-22 14:00 (Europe/Berlin).",
    ],
    [told({ tokens: 1, feature: "seo_analysis" }), "The feature seo_analysis is not part of Free Alpha."],
    [storeUnavailable().message, "Limits cannot be checked at the moment. Please try again shortly."],
    [decideOn({ user: null }).message, "This account is not part of the alpha."],
    [decideOn({ user: testerOn(tierWith()) }).message, "You may go ahead."],
    [
      decideOn({
        user: testerOn(tierWith({ meter: "images", period: "day", limit: 0 })),
        ask: asking({ images: 1 }),
      }).message,
      "Your plan includes no images.",
    ],
    [
      decideOn({
        user: testerOn(tierNamed("pro"), { day: usedUp({ tokens: 1_200 }) }),
        stops: [stopOf({ action: "throttle" })],
      }).message,
      "Calls are limited to 1,000 tokens a day for now, and 1,200 of that is used. The limit starts anew at 2026-11-23 00:00 (UTC).",
    ],
  ])("%s", (message, expected) => {
    expect(message).toBe(expected);
  });
});

describe("every message", () => {
  const quotas: QuotaState[] = METERS.flatMap((meter) =>
    PERIODS.flatMap((period) =>
      [0, 1, 1_234_567].flatMap((limit) =>
        [0, 1, 987_654].map((used) => ({
          meter,
          period,
          limit,
          used,
          held: used,
          requested: 1,
          remaining: Math.max(0, limit - 2 * used),
          resetsAt: limit === 0 ? null : instant("2026-11-23"),
          source: "tier" as const,
          touched: true,
          outcome: "block" as const,
          code: "ok" as const,
        })),
      ),
    ),
  );

  it.each([...DECISION_CODES])("for %s is made of whole sentences", (code) => {
    for (const quota of quotas) {
      const context = {
        feature: "blog_writer",
        tierLabel: "Free Alpha",
        resetsAt: quota.resetsAt,
        zone: "UTC",
        at: NOON,
      };
      for (const message of [
        boundMessage({ ...quota, code }, "UTC", undefined),
        decisionMessage({ code, ...context }),
      ]) {
        expect(message).toMatch(/^[A-Z].*[^.\s]\.$/);
        expect(message).not.toMatch(/undefined|null|NaN|\[object| {2}|(?<![.\d])\d{5}|\s\./);
      }
    }
  });
});

describe("an amount in words", () => {
  it.each([
    ["tokens", 0, "0 tokens"],
    ["tokens", 1, "1 token"],
    ["images", 1, "1 image"],
    ["requests", 1, "1 request"],
    ["tokens", 999, "999 tokens"],
    ["tokens", 1_000, "1,000 tokens"],
    ["tokens", 1_234_567, "1,234,567 tokens"],
    ["cost", 4_200_000_000, "$4.20"],
  ] as const)("%s %i", (meter, amount, words) => {
    expect(amountInWords(meter, amount)).toBe(words);
  });
});
