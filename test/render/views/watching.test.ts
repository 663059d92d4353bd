import { expect, test } from "vitest";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { type AlertView, alertJson, alertLines, alertsTable } from "../../../src/render/views/alerts.js";
import {
  type GuardrailView,
  guardrailsSetText,
  guardrailsTable,
} from "../../../src/render/views/guardrails.js";
import { NOON } from "../../support/decision.js";

const USD = 1_000_000_000;
const HOUR = 60 * 60_000;
const DAY = Math.floor(NOON / (24 * HOUR));
const style = createStyle({ color: false });
const golden = (name: string, width: number | null) => `golden/${name}-${width ?? "pipe"}.txt`;

const today = { period: "day", index: DAY, start: NOON - 12 * HOUR, end: NOON + 12 * HOUR } as const;
const COST: GuardrailView = {
  guardrail: { id: 1, meter: "cost", period: "day", limit: 25 * USD, action: "stop" },
  window: today,
  used: BigInt(21 * USD),
  held: BigInt(USD),
  trippedAt: null,
  isOn: false,
};
const TOKENS: GuardrailView = {
  guardrail: { id: 2, meter: "tokens", period: "day", limit: 2_000_000, action: "throttle" },
  window: today,
  used: 2_000_100n,
  held: 0n,
  trippedAt: NOON - HOUR,
  isOn: true,
};

test.each([80, 120, null])("guardrails, %s wide", async (width) => {
  const table = guardrailsTable([COST, TOKENS], width === null ? null : "UTC");
  await expect(render(table, "table", { width, style })).toMatchFileSnapshot(golden("guardrails", width));
});

test("what was set is said with what is used of it, and what it was before", () => {
  const said = (before: GuardrailView["guardrail"] | null, outcome: "set" | "changed" | "unchanged") =>
    guardrailsSetText({ changes: [{ before, after: COST, outcome }] }, { dryRun: false, style, width: null });
  expect(said(null, "set")).toBe(
    "Set: when all testers together reach $25.00 a day, every call is stopped.\nUsed and held today: $22.00, 88% of it.\n",
  );
  expect(said({ ...COST.guardrail, limit: 5 * USD, action: "alert" }, "changed")).toContain(
    "every call is stopped (before: $5.00, alert).",
  );
  expect(said(COST.guardrail, "unchanged")).toMatch(/^Already so: /);
});

const alert: AlertView = {
  number: 1,
  kind: "threshold",
  userId: 1,
  user: "u_1",
  email: "ada@example.com",
  period: "day",
  index: DAY,
  meter: "tokens",
  threshold: 8_000,
  code: "",
  at: NOON,
  printedAt: null,
};
const ALERTS: readonly AlertView[] = [
  alert,
  { ...alert, number: 2, threshold: 9_500, at: NOON + HOUR, printedAt: NOON + 2 * HOUR },
  { ...alert, number: 3, email: null, kind: "refusal", meter: "", threshold: 0, code: "quota-exhausted" },
  {
    ...alert,
    number: 4,
    userId: 0,
    user: null,
    email: null,
    kind: "guardrail",
    meter: "cost",
    threshold: 10_000,
    code: "stop",
  },
  { ...alert, number: 5, kind: "holds-expired", meter: "", threshold: 0, code: "5" },
];
const settings = { block_at: 9_500, time_zone: "UTC" };

test.each([80, 120, null])("alerts, %s wide", async (width) => {
  const table = alertsTable(ALERTS, settings, width === null ? null : "UTC");
  await expect(render(table, "table", { width, style })).toMatchFileSnapshot(golden("alerts", width));
});

test("new ones are a line each, without a header", () => {
  expect(alertLines(ALERTS, settings, { local: null, style })).toBe(`\
2026-11-22T12:00:00Z  ada@example.com  tokens/day at 80%
2026-11-22T13:00:00Z  ada@example.com  tokens/day at 95%: calls are blocked
2026-11-22T12:00:00Z  u_1              first refusal: quota-exhausted
2026-11-22T12:00:00Z  all testers      cost/day reached: every call is stopped
2026-11-22T12:00:00Z  ada@example.com  5 calls of 2026-11-22 were never settled
`);
  expect(alertLines([], settings, { local: null, style })).toBe("");
});

test("a window that had not begun is named, by the accounting zone", () => {
  const month = 2026 * 12 + 10;
  const ahead = [
    { ...alert, index: DAY + 1 },
    { ...alert, index: DAY + 1, threshold: 9_500 },
    { ...alert, period: "month", index: month + 1 },
    { ...alert, period: "month", index: month },
  ] as const;
  const said = (time_zone: string) =>
    alertLines(ahead, { ...settings, time_zone }, { local: null, style })
      .split("\n")
      .map((line) => line.slice("2026-11-22T12:00:00Z  ada@example.com  ".length));
  expect(said("UTC")).toEqual([
    "tokens/day at 80% for 2026-11-23",
    "tokens/day at 95% for 2026-11-23: calls will be blocked",
    "tokens/month at 80% for 2026-12",
    "tokens/month at 80%",
    "",
  ]);
  // There it is 02:00 of the next day.
  expect(said("Pacific/Kiritimati").slice(0, 2)).toEqual([
    "tokens/day at 80%",
    "tokens/day at 95%: calls are blocked",
  ]);
});

test("an alert as JSON", () => {
  expect(alertJson(ALERTS[1]!, settings)).toEqual({
    number: 2,
    at: "2026-11-22T13:00:00Z",
    kind: "threshold",
    user: "u_1",
    email: "ada@example.com",
    period: "day",
    window: "2026-11-22",
    meter: "tokens",
    threshold: 0.95,
    code: null,
    message: "ada@example.com: tokens/day at 95%: calls are blocked",
    printed_at: "2026-11-22T14:00:00Z",
  });
});
