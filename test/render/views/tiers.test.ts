import { expect, test } from "vitest";
import { INITIAL_TIERS, type Tier } from "../../../src/domain/tier.js";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { limitsSentence } from "../../../src/render/views/quotas.js";
import {
  listedTierJson,
  tierSetJson,
  tierSetText,
  tiersTable,
  tierText,
  usedUpSentence,
} from "../../../src/render/views/tiers.js";
import { displayWidth } from "../../../src/render/width.js";

const plain = createStyle({ color: false });
const team: Tier = {
  key: "team",
  label: "Team Alpha",
  rank: 4,
  features: [],
  quotas: [
    { meter: "cost", period: "month", limit: 2_500_000_000_000 },
    { meter: "images", period: "day", limit: 0 },
    { meter: "requests", period: "month", limit: 1 },
  ],
};
const [free] = INITIAL_TIERS as [Tier];
const tiers = [...INITIAL_TIERS, team].map((tier, index) => ({
  ...tier,
  users: index * 700,
  isDefault: index === 0,
}));

const change = {
  before: free,
  after: { ...free, label: "Free", features: ["blog_writer", "labs"] },
  change: {
    quotas: [
      { meter: "cost", period: "month", from: 10_000_000_000, to: null },
      { meter: "tokens", period: "day", from: 1_000, to: 500 },
    ],
  },
  users: 12,
  from: Date.UTC(2026, 10, 22, 12),
  usedUp: [{ meter: "tokens", period: "day", limit: 500, users: 3 }],
} as const;

const WIDTHS = [80, 120, null] as const;
const golden = (name: string, width: number | null) => `golden/${name}-${width ?? "pipe"}.txt`;

test.each(WIDTHS)("the list of tiers, %s wide", async (width) => {
  const text = render(tiersTable(tiers, false), "table", { width, style: plain });
  await expect(text).toMatchFileSnapshot(golden("tiers", width));
});

test("at no width is the list wider than the terminal, nor without the tiers' names", () => {
  for (let width = 20; width <= 140; width += 1) {
    const text = render(tiersTable(tiers, false), "table", { width, style: plain });
    for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    for (const { key } of tiers) expect(text).toContain(key);
  }
});

test("CSV has a column for every quota, whatever the tiers limit", () => {
  expect(render(tiersTable(tiers.slice(0, 1), true), "csv", { width: null, style: plain })).toBe(
    [
      "rank,tier,label,tokens_per_day,tokens_per_month,images_per_day,images_per_month,cost_per_day,cost_per_month,requests_per_day,requests_per_month,call_tokens,users,default,features",
      "1,free,Free Alpha,1000,unlimited,5,unlimited,unlimited,10,unlimited,unlimited,,0,true,blog_writer basic_seo",
      "",
    ].join("\n"),
  );
});

test("one tier names every meter, the unlimited and the disabled ones too", () => {
  expect(tierText({ ...team, users: 1, isDefault: false }, plain, 80)).toBe(
    [
      "team (Team Alpha)",
      "rank      4",
      "tokens    unlimited",
      "images    none a day (disabled)",
      "cost      $2,500.00 a month",
      "requests  1 a month",
      "features  none",
      "users     1",
      "",
    ].join("\n"),
  );
});

test.each(WIDTHS)("a changed tier, %s wide", async (width) => {
  await expect(tierSetText(change, false, plain, width)).toMatchFileSnapshot(golden("tier-set", width));
});

test("a changed tier as JSON: null is unlimited", () => {
  expect(tierSetJson(change)).toMatchObject({
    limits: [
      { meter: "tokens", before: 1_000, after: 500 },
      { meter: "cost", before: { usd: "10" }, after: null },
    ],
    features_added: ["labs"],
    features_removed: ["basic_seo"],
    users_affected: 12,
    effective_from: "2026-11-22T12:00:00Z",
    used_up: [{ meter: "tokens", period: "day", limit: 500, users: 3 }],
  });
});

test("a tier as JSON says how many are on it and whether testers start there", () => {
  expect(listedTierJson(tiers[0]!)).toMatchObject({ key: "free", rank: 1, users: 0, default: true });
});

test("sentences about limits", () => {
  expect(limitsSentence(team.quotas)).toBe("no images, $2,500.00 a month and 1 request a month");
  expect(limitsSentence([])).toBe("no limits at all");
  expect(usedUpSentence(change.usedUp[0])).toBe(
    "3 users have already used up 500 tokens a day: blocked until the next day",
  );
  expect(usedUpSentence({ meter: "images", period: "month", limit: 0, users: 1 })).toBe(
    "1 user has used images this month, which are disabled from now on",
  );
});
