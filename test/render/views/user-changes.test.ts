import { expect, test } from "vitest";
import type { Override } from "../../../src/domain/entitlement.js";
import { INITIAL_TIERS, type Tier } from "../../../src/domain/tier.js";
import type { User } from "../../../src/domain/user.js";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { nearTable } from "../../../src/render/views/near.js";
import { overriddenText, overridesTable, revokedText } from "../../../src/render/views/overrides.js";
import {
  aliasesText,
  erasedText,
  forgivenText,
  personaChangedText,
  removedText,
  renamedText,
  restoredText,
} from "../../../src/render/views/user-changes.js";
import { displayWidth } from "../../../src/render/width.js";

const T0 = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;
const style = createStyle({ color: false });
const free = INITIAL_TIERS[0] as Tier;
const ada: User = {
  id: 1,
  key: "ada",
  email: "ada.lovelace@engine.example.com",
  name: "Ada",
  aliases: ["key-1"],
  persona: null,
  tier: "free",
  status: "active",
  createdAt: T0,
};
const bob: User = { ...ada, id: 2, key: "build-bot", email: null, name: null, aliases: [], tier: "pro" };
const more: Extract<Override, { kind: "quota" }> = {
  id: 1,
  kind: "quota",
  meter: "tokens",
  period: "day",
  limit: 5_000,
  reason: "launch week",
  since: T0,
  until: T0 + 9 * DAY,
};
const labs: Override = {
  id: 2,
  kind: "feature",
  feature: "labs",
  granted: true,
  reason: "asked for it in the interview",
  since: T0,
  until: null,
};
const quota = {
  meter: "tokens",
  period: "day",
  limit: 1_000,
  used: 940,
  held: 20,
  requested: 0,
  remaining: 0,
  resetsAt: T0 + DAY / 2,
  source: "tier",
  touched: true,
  outcome: "block",
  code: "quota-exhausted",
} as const;
const timeZone = "Europe/Berlin";

const WIDTHS = [80, 120, null] as const;
const golden = (name: string, width: number | null) => `golden/${name}-${width ?? "pipe"}.txt`;

const overrides = (width: number | null) =>
  render(
    overridesTable(
      [
        { user: ada, override: more, otherwise: 1_000 },
        { user: ada, override: labs, otherwise: false },
        { user: bob, override: { ...more, meter: "cost", period: "month", limit: null }, otherwise: 5e11 },
      ],
      width === null ? null : timeZone,
    ),
    "table",
    { width, style },
  );
const near = (width: number | null) =>
  render(
    nearTable(
      [
        { user: ada, nearness: { state: "blocked", code: "quota-exhausted", quota } },
        { user: bob, nearness: { state: "blocked", code: "user-suspended", quota: null } },
        {
          user: bob,
          nearness: { state: "near", code: "near-limit", quota: { ...quota, used: 800, outcome: "warn" } },
        },
      ],
      width === null ? null : timeZone,
      "Nobody.",
    ),
    "table",
    { width, style },
  );

/** Everything that these commands print, one under the other. */
function said(width: number | null, dryRun = false): string {
  const printing = { dryRun, style, width };
  const overridden = { user: ada, tier: free, timeZone };
  return [
    overriddenText(
      { ...overridden, added: [more], replaced: [{ ...more, limit: 9 }], live: [labs, more] },
      printing,
    ),
    revokedText({ ...overridden, revoked: [more, labs], live: [] }, printing),
    forgivenText(
      {
        user: ada,
        forgiven: [
          { meter: "tokens", period: "day", window: "2026-11-22", amount: 960 },
          { meter: "cost", period: "day", window: "2026-11-22", amount: 250_000_000 },
          { meter: "cost", period: "month", window: "2026-11", amount: 9_700_000_000 },
        ],
        quotas: [quota],
        timeZone,
      },
      printing,
    ),
    renamedText({ user: ada, before: { ...ada, email: "ada@old.example", name: null } }, printing),
    renamedText({ user: { ...bob, name: null }, before: { ...bob, name: "Bob" } }, printing),
    personaChangedText(
      { user: { ...ada, persona: "power" }, before: { ...ada, persona: "casual" } },
      printing,
    ),
    personaChangedText({ user: { ...bob, persona: "active" }, before: { ...bob, persona: null } }, printing),
    personaChangedText({ user: { ...bob, persona: null }, before: { ...bob, persona: "active" } }, printing),
    aliasesText({ user: { ...ada, aliases: ["a", "b", "key-1"] }, before: ada }, printing),
    aliasesText({ user: { ...ada, aliases: [] }, before: ada }, printing),
    removedText({ user: ada, inProgress: 2 }, printing),
    restoredText({ user: ada, tier: free, formerTier: "team", overrides: [more], timeZone }, printing),
    erasedText({ user: ada, pseudonym: "erased-u_286e5egnbq", names: 4, records: 1 }, printing),
  ].join("\n");
}

test.each(WIDTHS)("what is overridden, %s wide", async (width) => {
  await expect(overrides(width)).toMatchFileSnapshot(golden("overrides", width));
});

test.each(WIDTHS)("who is blocked or near, %s wide", async (width) => {
  await expect(near(width)).toMatchFileSnapshot(golden("near", width));
});

test.each(WIDTHS)("what changed about a tester, %s wide", async (width) => {
  await expect(said(width)).toMatchFileSnapshot(golden("user-changes", width));
});

test("nothing is wider than the terminal, tried or done", () => {
  for (let width = 40; width <= 140; width += 1) {
    const text = said(width) + said(width, true) + overrides(width) + near(width);
    for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
  }
});

test("a dry run never says that it was done", () => {
  for (const done of [
    "Overrode",
    "Revoked",
    "Forgave",
    "Renamed",
    "Gave",
    "Took",
    "Added",
    "Removed",
    "Brought",
    "Erased",
  ]) {
    expect(said(null)).toContain(done);
    expect(said(null, true)).not.toContain(done);
  }
});

test("what testers are called cannot steer the terminal", () => {
  const evil = { ...ada, email: "\u001b[2J$&", name: "\u001b[31m", aliases: ["\u001b]0;"] };
  const printing = { dryRun: false, style: createStyle({ color: false }), width: 80 };
  const texts = [
    renamedText({ user: evil, before: ada }, printing),
    aliasesText({ user: evil, before: ada }, printing),
    removedText({ user: evil, inProgress: 0 }, printing),
    erasedText({ user: evil, pseudonym: "p", names: 1, records: 0 }, printing),
  ];
  for (const text of texts) expect(text).not.toContain("\u001b");
  expect(texts[2]).toContain("$&: every call");
});
