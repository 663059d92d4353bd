import { expect, test } from "vitest";
import { calendar } from "../../../src/domain/window.js";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { decisionJson, decisionText, quotasTable } from "../../../src/render/views/decision.js";
import { asking, decideOn, NOON, stopOf, testerOn, tierNamed, usedUp } from "../../support/decision.js";

const style = createStyle({ color: false });
const berlin = calendar("Europe/Berlin").zone;

const blocked = decideOn({
  ask: asking({ tokens: 120, cost: 12_000_000 }),
  user: testerOn(tierNamed("free"), {
    day: usedUp({ tokens: 700, images: 5 }),
    month: usedUp({ cost: 1_234_560_000 }),
    held: { tokens: 250, cost: 25_000_000 },
  }),
});

const at = (width: number | null, zone: string | null = null) =>
  decisionText(blocked, zone, { style, width });

test("off a terminal: everything on its line, instants in UTC", () => {
  expect(at(null)).toBe(`\
decision  block
code      quota-exhausted
message   Your daily tokens are used up (950 of 1,000, calls in progress included). The limit starts anew at 2026-11-23 00:00 (UTC).
binding   tokens/day: 700 used, 250 held and 120 asked for of 1,000 tokens; 0 left; resets at 2026-11-23T00:00:00Z

QUOTA        USED   HELD  ASKED   LIMIT   LEFT  RESETS AT             FROM  SAYS
tokens/day    700    250    120   1,000      0  2026-11-23T00:00:00Z  tier  block
images/day      5      0      0       5      0  2026-11-23T00:00:00Z  tier  not touched
cost/month  $1.23  $0.03  $0.01  $10.00  $8.74  2026-12-01T00:00:00Z  tier  allow
`);
});

test("80 columns", () => {
  expect(at(80, berlin)).toMatchInlineSnapshot(`
    "decision  block
    code      quota-exhausted
    message   Your daily tokens are used up (950 of 1,000, calls in progress
              included). The limit starts anew at 2026-11-23 00:00 (UTC).
    binding   tokens/day: 700 used, 250 held and 120 asked for of 1,000 tokens; 0
              left; resets at 2026-11-23 01:00 (Europe/Berlin)

    QUOTA        USED   HELD  ASKED   LIMIT   LEFT  RESETS AT         SAYS
    tokens/day    700    250    120   1,000      0  2026-11-23 01:00  block
    images/day      5      0      0       5      0  2026-11-23 01:00  not touched
    cost/month  $1.23  $0.03  $0.01  $10.00  $8.74  2026-12-01 01:00  allow
    hidden at this width: FROM (widen the terminal, or use --format csv)

    Times are in Europe/Berlin.
    "
  `);
});

test("120 columns", () => {
  expect(at(120, berlin)).toMatchInlineSnapshot(`
    "decision  block
    code      quota-exhausted
    message   Your daily tokens are used up (950 of 1,000, calls in progress included). The limit starts anew at 2026-11-23
              00:00 (UTC).
    binding   tokens/day: 700 used, 250 held and 120 asked for of 1,000 tokens; 0 left; resets at 2026-11-23 01:00
              (Europe/Berlin)

    QUOTA        USED   HELD  ASKED   LIMIT   LEFT  RESETS AT         FROM  SAYS
    tokens/day    700    250    120   1,000      0  2026-11-23 01:00  tier  block
    images/day      5      0      0       5      0  2026-11-23 01:00  tier  not touched
    cost/month  $1.23  $0.03  $0.01  $10.00  $8.74  2026-12-01 01:00  tier  allow

    Times are in Europe/Berlin.
    "
  `);
});

test("nothing is wider than the terminal", () => {
  for (const width of [40, 60, 80, 100, 120]) {
    for (const line of at(width, berlin).split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  }
});

test("a decision that no quota made has no table", () => {
  const stopped = decideOn({ user: null, stops: [stopOf({ until: NOON + 60_000 })] });
  expect(decisionText(stopped, "UTC", { style, width: null })).toBe(`\
decision  block
code      emergency-stop
message   All calls are stopped until 2026-11-22 12:01 (UTC).
binding   none
`);
});

test("JSON is the whole decision: keys in snake case, money where the meter is cost", () => {
  const json = decisionJson(blocked);
  expect(json).toMatchObject({
    outcome: "block",
    code: "quota-exhausted",
    meter: "tokens",
    period: "day",
    limit: 1_000,
    used: 700,
    held: 250,
    requested: 120,
    granted: 0,
    remaining: 0,
    resets_at: "2026-11-23T00:00:00Z",
  });
  expect(json.message).toContain("used up");
  expect(json.quotas[2]).toEqual({
    meter: "cost",
    period: "month",
    limit: { nanos: 10_000_000_000, usd: "10" },
    used: { nanos: 1_234_560_000, usd: "1.23456" },
    held: { nanos: 25_000_000, usd: "0.025" },
    requested: { nanos: 12_000_000, usd: "0.012" },
    remaining: { nanos: 8_740_440_000, usd: "8.74044" },
    resets_at: "2026-12-01T00:00:00Z",
    source: "tier",
    touched: true,
    outcome: "allow",
    code: "ok",
  });
});

test("JSON of a decision that cost made carries money at its top too", () => {
  const json = decisionJson(
    decideOn({ ask: asking({ tokens: 1, cost: 11_000_000_000 }), user: testerOn(tierNamed("free")) }),
  );
  expect(json).toMatchObject({
    code: "request-too-large",
    meter: "cost",
    requested: { usd: "11" },
    limit: { usd: "10" },
    granted: { nanos: 0 },
  });
});

test("CSV carries plain numbers, exact dollars and instants in UTC", () => {
  const csv = render(quotasTable(blocked.quotas, berlin), "csv", { width: 80, style });
  expect(csv.replaceAll("\r", "").split("\n").slice(0, 4)).toEqual([
    "quota,used,held,requested,limit,remaining,resets_at,source,outcome",
    "tokens/day,700,250,120,1000,0,2026-11-23T00:00:00Z,tier,block",
    "images/day,5,0,0,5,0,2026-11-23T00:00:00Z,tier,untouched",
    "cost/month,1.23456,0.025,0.012,10,8.74044,2026-12-01T00:00:00Z,tier,allow",
  ]);
});

test("a disabled quota never resets", () => {
  const user = testerOn({ ...tierNamed("free"), quotas: [{ meter: "tokens", period: "day", limit: 0 }] });
  const text = decisionText(decideOn({ user }), "UTC", { style, width: null });
  expect(text).toContain("of 0 tokens; 0 left; never resets");
});
