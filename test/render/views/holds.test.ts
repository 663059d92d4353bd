import { expect, test } from "vitest";
import { render, toRecords } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import {
  type HoldView,
  holdJson,
  holdsTable,
  releasedJson,
  releasedText,
  totalsJson,
} from "../../../src/render/views/holds.js";
import { displayWidth } from "../../../src/render/width.js";
import { NOON } from "../../support/decision.js";

const MINUTE = 60_000;
const style = createStyle({ color: false });

function hold(more: Partial<HoldView> = {}): HoldView {
  return {
    id: "r_1kr2bxm008q4wv1n7t0cz3ek",
    user: "u_4f1k2m9a0b",
    email: "ada@example.com",
    kind: { provider: "openai", model: "gpt-4o", feature: "blog_writer" },
    amounts: { tokens: 1_200, images: 0, cost: 12_000_000, requests: 1 },
    createdAt: NOON - 90_000,
    expiresAt: NOON + 8 * MINUTE + 30_000,
    expired: false,
    ...more,
  };
}

const HOLDS = [
  hold({
    id: "r_1kr2aaa008q4wv1n7t0cz3ek",
    createdAt: NOON - 200 * MINUTE,
    expiresAt: NOON - 190 * MINUTE,
    expired: true,
  }),
  hold(),
  hold({
    id: "job-7",
    email: null,
    kind: { provider: "google", model: "an-image-model-of-a-long-name", feature: "" },
    amounts: { tokens: 0, images: 2, cost: 100_000_000, requests: 1 },
    createdAt: NOON,
    expiresAt: NOON + 10 * MINUTE,
  }),
];

const view = { holds: HOLDS, now: NOON };
const shown = (width: number | null, holds: readonly HoldView[] = HOLDS) =>
  render(holdsTable({ holds, now: NOON }, { people: width !== null, notes: true }), "table", {
    width,
    style,
  });
const golden = (name: string, width: number | null) => `golden/${name}-${width ?? "pipe"}.txt`;

test.each([80, 120, null])("the list, %s wide", async (width) => {
  await expect(shown(width)).toMatchFileSnapshot(golden("holds", width));
});

test.each([80, 120, null])("what was released, %s wide", async (width) => {
  await expect(releasedText(view, false, { style, width })).toMatchFileSnapshot(golden("released", width));
});

test("CSV has every column, and no totals", () => {
  expect(render(holdsTable(view, { people: false, notes: true }), "csv", { width: 80, style })).toBe(`\
user,hold,provider,model,feature,tokens,images,requests,cost_usd,created_at,expires_at,state
ada@example.com,r_1kr2aaa008q4wv1n7t0cz3ek,openai,gpt-4o,blog_writer,1200,0,1,0.012,2026-11-22T08:40:00Z,2026-11-22T08:50:00Z,expired
ada@example.com,r_1kr2bxm008q4wv1n7t0cz3ek,openai,gpt-4o,blog_writer,1200,0,1,0.012,2026-11-22T11:58:30Z,2026-11-22T12:08:30Z,live
u_4f1k2m9a0b,job-7,google,an-image-model-of-a-long-name,,0,2,1,0.1,2026-11-22T12:00:00Z,2026-11-22T12:10:00Z,live
`);
});

test("at no width is the list wider than the terminal, nor without ids that can be copied", () => {
  for (let width = 44; width <= 150; width += 1) {
    const text = shown(width);
    for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    for (const { id } of HOLDS) expect(text).toContain(id);
  }
});

test("with nothing held it says so, and totals are of what there is", () => {
  expect(shown(80, [])).toBe("Nothing is held.\n");
  expect(shown(80, [hold()])).not.toContain("expired");
  expect(shown(null, [hold({ expired: true })])).not.toMatch(/\d live/);
  expect(toRecords(holdsTable(view, { people: false, notes: true }))).toHaveLength(3);
});

test("JSON of a hold, of the totals and of a release", () => {
  expect(holdJson(hold(), NOON)).toEqual({
    user: "u_4f1k2m9a0b",
    email: "ada@example.com",
    id: "r_1kr2bxm008q4wv1n7t0cz3ek",
    provider: "openai",
    model: "gpt-4o",
    feature: "blog_writer",
    tokens: 1_200,
    images: 0,
    requests: 1,
    cost: { nanos: 12_000_000, usd: "0.012" },
    created_at: "2026-11-22T11:58:30Z",
    expires_at: "2026-11-22T12:08:30Z",
    age_seconds: 90,
    expired: false,
  });
  expect(holdJson(hold({ createdAt: NOON + 5 }), NOON).age_seconds).toBe(0);
  const live = { tokens: 1_200, images: 2, requests: 2, cost: { nanos: 112_000_000, usd: "0.112" } };
  expect(totalsJson(HOLDS)).toMatchObject({
    live: { holds: 2, ...live },
    expired: { holds: 1, tokens: 1_200, cost: { nanos: 12_000_000 } },
  });
  const released = releasedJson(view);
  expect(released.freed).toEqual(live);
  expect(released.released.map((each) => each.expired)).toEqual([true, false, false]);
});

test("money of everybody together is exact beyond the safe integers", () => {
  const much = { tokens: 1, images: 0, requests: 1, cost: Number.MAX_SAFE_INTEGER };
  expect(totalsJson([hold({ amounts: much }), hold({ amounts: much })]).live.cost).toEqual({
    nanos: 18_014_398_509_481_982n,
    usd: "18014398.509481982",
  });
});

test("a release says what is free again; what had expired frees nothing", () => {
  const said = (holds: readonly HoldView[], dryRun = false) =>
    releasedText({ holds, now: NOON }, dryRun, { style, width: null }).split("\n\n").at(-1);
  expect(said([hold()], true)).toBe(`\
Would release 1 hold.
Free again from the next decision on: 1,200 tokens, $0.01 and 1 request.
A call that still settles is counted all the same.
`);
  expect(said([hold({ expired: true })])).toBe(
    "Released 1 hold.\nAll had expired and took no room any more.\n",
  );
  expect(said([])).toBe("There was nothing to release.\n");
});
