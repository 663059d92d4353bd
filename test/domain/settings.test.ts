import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  emergencyLimits,
  INITIAL_SETTINGS,
  planningRates,
  readSettings,
  SETTING_KEYS,
  SETTING_RULES,
  type SettingKey,
  type Settings,
  storedSetting,
} from "../../src/domain/settings.js";
import { AlphaError } from "../../src/errors.js";

const USD = 1_000_000_000;

function parsed(key: SettingKey, text: string): unknown {
  return SETTING_RULES[key].parse(text);
}

describe("the first settings", () => {
  it("are the plan's", () => {
    expect(INITIAL_SETTINGS).toEqual({
      time_zone: "UTC",
      default_tier: "free",
      warn_at: 8_000,
      block_at: 9_500,
      hold_ttl: 600_000,
      call_tokens: null,
      unpriced: "assume",
      planning_tokens: 100 * USD,
      planning_image: 50_000_000,
      emergency_tokens: 1_000,
      emergency_cost: 5 * USD,
      durability: "normal",
    });
    // $0.10 per 1,000 tokens is $100 per million.
    expect(planningRates(INITIAL_SETTINGS)).toEqual({ perMillionTokens: 100 * USD, perImage: 50_000_000 });
    expect(emergencyLimits(INITIAL_SETTINGS)).toEqual([
      { meter: "tokens", period: "day", limit: 1_000 },
      { meter: "cost", period: "day", limit: 5 * USD },
    ]);
  });

  it("are each described, and print without leaving anything out", () => {
    for (const key of SETTING_KEYS) {
      const rule = SETTING_RULES[key] as { describes: string; print(value: unknown): string };
      expect(rule.describes).not.toBe("");
      expect(rule.print(INITIAL_SETTINGS[key])).not.toMatch(/undefined|NaN|^$/);
    }
  });
});

describe("what an operator types", () => {
  it.each<[SettingKey, string, unknown]>([
    ["warn_at", "80%", 8_000],
    ["warn_at", "7.5%", 750],
    ["warn_at", "0.01%", 1],
    ["block_at", "9500", 9_500],
    ["block_at", "101", 101],
    ["block_at", " 100% ", 10_000],
    ["hold_ttl", "10m", 600_000],
    ["hold_ttl", "1s", 1_000],
    ["unpriced", "Block", "block"],
    ["durability", "full", "full"],
    ["planning_tokens", "$12.50", 12_500_000_000],
    ["emergency_tokens", "2,000", 2_000],
    ["emergency_tokens", "0", 0],
    ["emergency_cost", "0", 0],
    ["time_zone", "europe/berlin", "Europe/Berlin"],
    ["default_tier", " basic ", "basic"],
  ])("%s %s", (key, text, value) => {
    expect(parsed(key, text)).toBe(value);
  });

  it.each<[SettingKey, string]>([
    ["warn_at", "0%"],
    ["warn_at", "0"],
    // Meant as percent, it would be a hundred times too little.
    ["warn_at", "70"],
    ["block_at", "100"],
    ["block_at", "1"],
    ["warn_at", "100.01%"],
    ["warn_at", "80.123%"],
    ["block_at", "-5%"],
    ["block_at", "10001"],
    ["block_at", "0.8"],
    ["hold_ttl", "999ms"],
    ["hold_ttl", "soon"],
    ["unpriced", "maybe"],
    ["planning_tokens", "-1"],
    ["planning_image", "a dime"],
    ["emergency_tokens", "1.5"],
    ["emergency_tokens", "-1"],
    ["emergency_tokens", ""],
    ["emergency_cost", "-0.01"],
    ["time_zone", "Mars/Olympus"],
  ])("%s %j is refused in a sentence", (key, text) => {
    let error: unknown;
    try {
      parsed(key, text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(AlphaError);
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining(`"${text}"`) });
  });
});

describe("what is stored", () => {
  const settings: fc.Arbitrary<Settings> = fc.record({
    time_zone: fc.constantFrom("UTC", "Europe/Berlin"),
    default_tier: fc.constantFrom("free", "beta-2"),
    warn_at: fc.integer({ min: 1, max: 10_000 }),
    block_at: fc.integer({ min: 1, max: 10_000 }),
    hold_ttl: fc.integer({ min: 1_000, max: 1e12 }),
    call_tokens: fc.option(fc.integer({ min: 1 })),
    unpriced: fc.constantFrom("assume", "block", "ignore"),
    planning_tokens: fc.maxSafeNat(),
    planning_image: fc.maxSafeNat(),
    emergency_tokens: fc.maxSafeNat(),
    emergency_cost: fc.maxSafeNat(),
    durability: fc.constantFrom("normal", "full"),
  });

  it("reads back to the same", () => {
    fc.assert(
      fc.property(settings, (value) => {
        const stored = new Map(SETTING_KEYS.map((key) => [key as string, storedSetting(value[key])]));
        expect(readSettings(stored)).toEqual(value);
      }),
    );
  });

  it("is laid over the first settings, and keys from elsewhere are passed over", () => {
    const stored = new Map([
      ["warn_at", "7000"],
      ["of_a_later_version", "1"],
    ]);
    expect(readSettings(stored)).toEqual({ ...INITIAL_SETTINGS, warn_at: 7_000 });
  });
});
