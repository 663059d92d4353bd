import { expect, test } from "vitest";
import type { QuotaState } from "../../../src/domain/decide.js";
import { NO_SUMS } from "../../../src/domain/report.js";
import { createStyle } from "../../../src/render/style.js";
import { statusText } from "../../../src/render/views/status.js";
import { statusJson } from "../../../src/render/views/status-json.js";
import type { StatusUserView, StatusView } from "../../../src/render/views/status-view.js";
import { displayWidth } from "../../../src/render/width.js";
import { NOON } from "../../support/decision.js";

const USD = 1_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const style = createStyle({ color: false });

function quota(used: number, limit: number, outcome: QuotaState["outcome"]): QuotaState {
  return {
    meter: "tokens",
    period: "day",
    limit,
    used,
    held: 0,
    requested: 0,
    remaining: Math.max(0, limit - used),
    resetsAt: NOON + 12 * HOUR,
    source: "tier",
    touched: true,
    outcome,
    code: outcome === "allow" ? "ok" : outcome === "warn" ? "near-limit" : "quota-exhausted",
  };
}

function tester(
  email: string,
  tokens: number,
  cents: number,
  more: Partial<StatusUserView> = {},
): StatusUserView {
  const limit = 10_000;
  const state = tokens >= 9_500 ? "blocked" : tokens >= 8_000 ? "near" : "free";
  const fullest = quota(tokens, limit, state === "free" ? "allow" : state === "near" ? "warn" : "block");
  return {
    user: {
      id: 1,
      key: email.split("@")[0]!,
      email,
      name: null,
      aliases: [],
      persona: null,
      tier: "basic",
      status: "active",
      createdAt: NOON,
    },
    quotas: [fullest],
    fullest,
    state,
    sums: { ...NO_SUMS, input: tokens, requests: 7, cost: BigInt(cents * 10_000_000) },
    ...more,
  };
}

const WELL: StatusView = {
  at: NOON,
  timeZone: "UTC",
  concerns: [],
  stops: [],
  guardrails: [],
  spending: {
    hour: { requests: 0, tokens: 0, images: 0, cost: 0n, assumed: 0n, complete: true },
    today: NO_SUMS,
    yesterday: NO_SUMS,
    yesterdaysHour: 0n,
    month: NO_SUMS,
  },
  testers: { active: 3, suspended: 0 },
  users: [],
  refusals: { count: 0, testers: 0, codes: [] },
  unpriced: [],
  held: { live: 0, amounts: { tokens: 0, images: 0, cost: 0, requests: 0 }, expired: 0 },
  newAlerts: 0,
  lastEvent: null,
  lastLiveUse: null,
  lastReset: null,
  daysToClose: 0,
  size: 184_320,
};

const guardrail = {
  guardrail: { id: 1, meter: "cost", period: "day", limit: 25 * USD, action: "stop" } as const,
  window: { period: "day", index: 20_779, start: NOON - 12 * HOUR, end: NOON + 12 * HOUR } as const,
  used: BigInt(25.5 * USD),
  held: BigInt(USD / 2),
  trippedAt: NOON - 18 * MINUTE,
  isOn: true,
};

const BUSY: StatusView = {
  ...WELL,
  concerns: [
    { severity: "bad", code: "stopped" },
    { severity: "warning", code: "testers-blocked" },
    { severity: "warning", code: "unpriced" },
    { severity: "warning", code: "holds-expired" },
    { severity: "warning", code: "reset-overdue" },
  ],
  stops: [
    {
      id: 4,
      action: "stop",
      scope: {},
      reason: "daily cost of all testers reached $25.00",
      actor: "guardrail",
      since: NOON - 18 * MINUTE,
      until: null,
      user: null,
    },
  ],
  guardrails: [guardrail],
  spending: {
    hour: {
      requests: 230,
      tokens: 91_234,
      images: 3,
      cost: BigInt(9.4 * USD),
      assumed: BigInt(USD / 10),
      complete: true,
    },
    today: {
      ...NO_SUMS,
      input: 212_000,
      output: 40_112,
      images: 12,
      requests: 1_530,
      cost: BigInt(24 * USD),
      assumed: BigInt(1.5 * USD),
      unpriced: 9,
    },
    yesterday: { ...NO_SUMS, input: 180_440, requests: 1_210, cost: BigInt(19 * USD) },
    yesterdaysHour: (BigInt(USD) * 19n) / 24n,
    month: {
      ...NO_SUMS,
      input: 2_180_440,
      images: 80,
      requests: 21_210,
      cost: BigInt(301 * USD),
      assumed: BigInt(1.5 * USD),
    },
  },
  testers: { active: 41, suspended: 2 },
  users: [
    tester("ada@example.com", 9_800, 312),
    tester("bob@example.com", 8_200, 80),
    tester("cleo@example.com", 3_000, 1_204),
    tester("a.tester.with.a.rather.long.address@company.example.com", 120, 4),
    tester("eve@example.com", 0, 0, { state: "free", fullest: null }),
    tester("gus@example.com", 9_900, 1),
  ],
  refusals: {
    count: 13,
    testers: 4,
    codes: [
      { code: "emergency-stop", count: 11 },
      { code: "quota-exhausted", count: 2 },
    ],
  },
  unpriced: [
    { provider: "acme", model: "own-model-x", events: 8, assumed: BigInt(1.2 * USD) },
    { provider: "acme", model: "", events: 1, assumed: BigInt(0.3 * USD) },
  ],
  held: { live: 3, amounts: { tokens: 1_200, images: 1, cost: USD / 2, requests: 3 }, expired: 5 },
  newAlerts: 4,
  lastEvent: {
    user: "cleo",
    email: "cleo@example.com",
    provider: "openai",
    model: "gpt-4o",
    feature: "",
    occurredAt: NOON - 20 * MINUTE,
    recordedAt: NOON - 18 * MINUTE,
    live: false,
  },
  lastLiveUse: NOON - 19 * MINUTE,
  lastReset: { day: 20_776, ranAt: NOON - 60 * HOUR, actor: "cron" },
  daysToClose: 2,
};

const look = { style, database: "/srv/alpha/alpha.db", sort: "cost", userRows: 5 } as const;
const golden = (name: string, width: number | null) => `golden/status-${name}-${width ?? "pipe"}.txt`;

test.each([80, 120, null])("all well, %s wide", async (width) => {
  await expect(statusText(WELL, { ...look, width })).toMatchFileSnapshot(golden("well", width));
});

test.each([80, 120, null])("much to look at, %s wide", async (width) => {
  await expect(statusText(BUSY, { ...look, width })).toMatchFileSnapshot(golden("busy", width));
});

test("at no width is it wider than the terminal", () => {
  for (let width = 40; width <= 150; width += 5) {
    for (const status of [WELL, BUSY]) {
      const text = statusText(status, { ...look, width, database: "/a.db" });
      for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    }
  }
});

test("whoever is near a limit is shown, whatever it is sorted by, for half of the rows", () => {
  const shown = (sort: "cost" | "tokens" | "calls" | "limit", userRows: number) =>
    [
      ...statusText(BUSY, { ...look, width: null, sort, userRows }).matchAll(/^(\w+)@example\.com +basic/gm),
    ].map(([, name]) => name);
  // By cost: cleo $12.04, ada $3.12, bob $0.80, the long address, gus, eve. Blocked: gus 99%, ada 98%; near: bob 82%.
  expect(shown("cost", 2)).toEqual(["cleo", "gus"]);
  expect(shown("cost", 4)).toEqual(["cleo", "ada", "bob", "gus"]);
  expect(shown("tokens", 9)).toEqual(["gus", "ada", "bob", "cleo", "eve"]);
  expect(shown("limit", 3)).toEqual(["gus", "ada", "bob"]);
  expect(shown("calls", 3)).toEqual(["cleo", "ada", "gus"]);
});

test("what others named cannot steer the terminal", () => {
  const evil = "a\u001b[2Jb";
  const status = {
    ...BUSY,
    stops: BUSY.stops.map((stop) => ({ ...stop, reason: evil, actor: evil })),
    users: [tester(`${evil}@example.com`, 9_900, 1)],
    unpriced: [{ provider: evil, model: evil, events: 1, assumed: 0n }],
    lastEvent: { ...BUSY.lastEvent!, email: evil, model: evil },
  };
  for (const width of [60, null]) {
    expect(statusText(status, { ...look, width })).not.toContain("\u001b");
  }
});

test("JSON is complete: every tester, every sum, and the concerns as they are printed", () => {
  const json = statusJson(BUSY);
  expect(json).toMatchObject({
    all_well: false,
    concerns: [
      { severity: "bad", code: "stopped", message: expect.stringContaining("Stopped: all calls") },
      {
        code: "testers-blocked",
        message: "2 testers are blocked by a limit: ada@example.com and gus@example.com",
      },
      { code: "unpriced" },
      { code: "holds-expired" },
      { code: "reset-overdue" },
    ],
    testers: { active: 41, suspended: 2, blocked: 2, near: 1 },
    spending: { last_hour: { cost: { usd: "9.4" }, complete: true }, month: { tokens: 2_180_440 } },
    guardrails: [{ state: "tripped", tripped_at: "2026-11-22T11:42:00Z", ratio: 1.04 }],
    last_reset: { actor: "cron" },
    size_bytes: 184_320,
  });
  expect(json.users).toHaveLength(6);
  expect(statusJson(WELL)).toMatchObject({ all_well: true, concerns: [], users: [], last_event: null });
});
