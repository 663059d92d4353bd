import { expect, test } from "vitest";
import type { Override } from "../../../src/domain/entitlement.js";
import { INITIAL_TIERS, type Tier } from "../../../src/domain/tier.js";
import type { User } from "../../../src/domain/user.js";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { movedJson, movedText } from "../../../src/render/views/moved.js";
import { quotasTable } from "../../../src/render/views/quotas.js";
import { shownUserJson, shownUserText } from "../../../src/render/views/user.js";
import { addedText, suspensionText, userJson, usersTable } from "../../../src/render/views/users.js";
import { displayWidth } from "../../../src/render/width.js";

const T0 = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;
const plain = createStyle({ color: false });
const [free, basic] = INITIAL_TIERS as [Tier, Tier];

const ada: User = {
  id: 1,
  key: "u_286e5egnbq",
  email: "ada.lovelace@analytical-engine.example.com",
  name: "Ada Lovelace",
  aliases: ["key-7f3a", "slack:U024BE7LH"],
  persona: "active",
  tier: "free",
  status: "active",
  createdAt: T0 - 10 * DAY,
};
const bare: User = {
  ...ada,
  id: 2,
  key: "build-bot",
  email: null,
  name: "\u001b[31mred\nalert",
  aliases: [],
  persona: null,
  status: "suspended",
};

const quotas = [
  {
    meter: "tokens",
    period: "day",
    limit: 1_000,
    used: 930,
    held: 30,
    remaining: 0,
    resetsAt: T0 + DAY / 2,
    source: "tier",
    outcome: "block",
  },
  {
    meter: "images",
    period: "day",
    limit: 20,
    used: 16,
    held: 0,
    remaining: 4,
    resetsAt: T0 + DAY / 2,
    source: "override",
    outcome: "warn",
  },
  {
    meter: "cost",
    period: "month",
    limit: 10_000_000_000,
    used: 1_234_000_000,
    held: 1_000_000,
    remaining: 8_765_000_000,
    resetsAt: T0 + 8.5 * DAY,
    source: "tier",
    outcome: "allow",
  },
  {
    meter: "requests",
    period: "day",
    limit: 0,
    used: 0,
    held: 0,
    remaining: 0,
    resetsAt: null,
    source: "tier",
    outcome: "block",
  },
] as const;

const overrides: Override[] = [
  {
    id: 1,
    kind: "quota",
    meter: "images",
    period: "day",
    limit: 20,
    since: T0,
    until: T0 + DAY,
    reason: "launch week",
  },
  { id: 2, kind: "feature", feature: "beta_editor", granted: true, since: T0, until: null, reason: null },
];

const shown = {
  user: ada,
  tier: free,
  since: { tier: T0 - DAY, status: T0 - 10 * DAY },
  quotas,
  overrides,
  features: ["basic_seo", "blog_writer", "beta_editor"],
  deniedFeatures: ["labs"],
  timeZone: "Europe/Berlin",
};

const moved = {
  user: { ...ada, tier: "basic" },
  from: free,
  to: basic,
  change: { gained: ["content_planning", "seo_analysis"], lost: ["basic_seo"] },
  keptOverrides: overrides,
  clearedOverrides: [],
  before: quotas,
  after: quotas
    .filter((quota) => quota.meter !== "requests")
    .map((quota) =>
      quota.meter === "tokens" ? { ...quota, limit: 10_000, outcome: "allow" as const } : quota,
    ),
  timeZone: "Europe/Berlin",
};

const WIDTHS = [80, 120, null] as const;
const golden = (name: string, width: number | null) => `golden/${name}-${width ?? "pipe"}.txt`;

test.each(WIDTHS)("the list of users, %s wide", async (width) => {
  const text = render(usersTable([ada, bare]), "table", { width, style: plain });
  await expect(text).toMatchFileSnapshot(golden("users", width));
});

test.each(WIDTHS)("one user, %s wide", async (width) => {
  await expect(shownUserText(shown, plain, width)).toMatchFileSnapshot(golden("user", width));
});

test.each(WIDTHS)("a promotion, %s wide", async (width) => {
  await expect(movedText(moved, "promote", false, plain, width)).toMatchFileSnapshot(
    golden("promotion", width),
  );
});

test("nothing is wider than the terminal, and the limits are always there", () => {
  for (let width = 20; width <= 140; width += 1) {
    const text = shownUserText(shown, plain, width) + movedText(moved, "promote", true, plain, width);
    const tables = text.split("\n").filter((line) => !line.startsWith("Would promote") && line !== ada.email);
    for (const line of tables) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    expect(text).toContain("tokens/day");
    expect(text).toContain("10,000");
  }
});

test("what testers are called cannot steer the terminal", () => {
  const texts = [
    render(usersTable([bare]), "table", { width: 120, style: plain }),
    shownUserText({ ...shown, user: bare }, plain, 80),
    addedText({ ...bare, key: "\u001b[2J" }, free, false, plain),
    suspensionText({ ...bare, key: "\u001b[2J" }, false, plain),
  ];
  for (const text of texts) expect(text).not.toContain("\u001b");
});

test("who was added is told with the id, the tier and its limits", () => {
  expect(addedText(ada, free, false, plain)).toBe(
    [
      "Added ada.lovelace@analytical-engine.example.com (id u_286e5egnbq) on free (Free Alpha).",
      "They may use: 1,000 tokens a day, 5 images a day and $10.00 a month.",
      "Also known as: key-7f3a, slack:U024BE7LH.",
      "Expected to use it like: active.",
      "",
    ].join("\n"),
  );
  expect(addedText(bare, { ...free, quotas: [] }, true, plain)).toBe(
    "Would add build-bot on free (Free Alpha).\nThey may use: no limits at all.\n",
  );
});

test("a user as JSON has every field, also where there is nothing to say", () => {
  expect(userJson(bare)).toEqual({
    id: "build-bot",
    email: null,
    name: "\u001b[31mred\nalert",
    aliases: [],
    tier: "free",
    persona: null,
    status: "suspended",
    created_at: "2026-11-12T12:00:00Z",
  });
});

test("one user as JSON carries exact amounts and times in UTC", () => {
  expect(shownUserJson(shown)).toMatchObject({
    tier: "free",
    tier_label: "Free Alpha",
    tier_since: "2026-11-21T12:00:00Z",
    quotas: [
      {
        meter: "tokens",
        limit: 1_000,
        used: 930,
        held: 30,
        ratio: 0.96,
        state: "block",
        resets_at: "2026-11-23T00:00:00Z",
      },
      { meter: "images", source: "override", state: "warn" },
      {
        meter: "cost",
        limit: { nanos: 10_000_000_000, usd: "10" },
        used: { nanos: 1_234_000_000, usd: "1.234" },
      },
      { meter: "requests", limit: 0, ratio: null, resets_at: null },
    ],
    overrides: [
      { kind: "quota", meter: "images", limit: 20, until: "2026-11-23T12:00:00Z", reason: "launch week" },
      { kind: "feature", feature: "beta_editor", granted: true, until: null },
    ],
    denied_features: ["labs"],
  });
});

test("a promotion as JSON says null for unlimited", () => {
  expect(movedJson(moved)).toMatchObject({
    from: "free",
    to: "basic",
    limits: [
      { meter: "tokens", before: 1_000, after: 10_000 },
      { meter: "images", before: 20, after: 20 },
      { meter: "cost" },
      { meter: "requests", before: 0, after: null },
    ],
    features_lost: ["basic_seo"],
  });
});

test("quotas in CSV are numbers, cost in US dollars", () => {
  expect(render(quotasTable(quotas, "UTC", null), "csv", { width: null, style: plain })).toBe(
    [
      "quota,used,held,limit,full,resets_at,source",
      "tokens/day,930,30,1000,0.96,2026-11-23T00:00:00Z,tier",
      "images/day,16,0,20,0.8,2026-11-23T00:00:00Z,override",
      "cost/month,1.234,0.001,10,0.1235,2026-12-01T00:00:00Z,tier",
      "requests/day,0,0,0,,,tier",
      "",
    ].join("\n"),
  );
});
