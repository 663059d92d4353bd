import { expect, it } from "vitest";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { type EventView, eventJson, eventsTable } from "../../../src/render/views/events.js";

const AT = Date.UTC(2026, 10, 22, 12, 0, 5);
const style = createStyle({ color: false });

function event(more: Partial<EventView> = {}): EventView {
  return {
    number: 1207,
    user: "u_4f1k2m9a0b",
    email: "ada@example.com",
    source: "alpha",
    id: "req-0001",
    providerId: null,
    occurredAt: AT,
    recordedAt: AT,
    provider: "openai",
    model: "gpt-4o",
    feature: "blog_writer",
    input: 1234,
    cacheRead: 512,
    cacheWrite: 0,
    output: 345,
    reasoning: 12,
    images: 0,
    requests: 1,
    cost: 7_175_000,
    assumed: 0,
    pricedBy: "book",
    status: "ok",
    estimated: false,
    importId: 3,
    corrects: null,
    ...more,
  };
}

const EVENTS = [
  event(),
  event({
    number: 1206,
    model: "an-image-model-of-a-long-name",
    input: 0,
    images: 2,
    cost: 0,
    assumed: 1e8,
    pricedBy: "none",
  }),
  event({ number: 1205, email: null, provider: "", feature: "", status: "timeout", estimated: true }),
  event({ number: 1204, cost: 0, pricedBy: "none" }),
];

const shown = (width: number | null, zone: string | null = "Europe/Berlin") =>
  render(eventsTable(EVENTS, zone), "table", { width, style });

it("fits 80 columns", () => {
  expect(shown(80)).toMatchInlineSnapshot(`
    "TIME              USER           MODEL          INPUT  OUTPUT      COST  STATUS
    2026-11-22 13:00  ada@example.…  gpt-4o         1,234     345   $0.0072  ok
    2026-11-22 13:00  ada@example.…  an-image-mod…      0     345    ~$0.10  ok
    2026-11-22 13:00  u_4f1k2m9a0b   gpt-4o         1,234     345  $0.0072?  timeout
    2026-11-22 13:00  ada@example.…  gpt-4o         1,234     345  unpriced  ok
    hidden at this width: NUMBER, PROVIDER, FEATURE, CACHED, WRITTEN, REASONING,
    IMAGES, ASSUMED, PRICED BY, SOURCE, ID, CORRECTS (widen the terminal, or use
    --format csv)

    Times are in Europe/Berlin.
    ~ No price is known: assumed at the planning rates.
    ? The call never said what it used: what was held for it was counted.
    "
  `);
});

it("fits 120 columns", () => {
  expect(shown(120)).toMatchInlineSnapshot(`
    "NUMBER  TIME              USER            PROVIDER  MODEL          FEATURE      INPUT  OUTPUT  IMAGES      COST  STATUS
      1207  2026-11-22 13:00  ada@example.c…  openai    gpt-4o         blog_writer  1,234     345       0   $0.0072  ok
      1206  2026-11-22 13:00  ada@example.c…  openai    an-image-mod…  blog_writer      0     345       2    ~$0.10  ok
      1205  2026-11-22 13:00  u_4f1k2m9a0b    -         gpt-4o         -            1,234     345       0  $0.0072?  timeout
      1204  2026-11-22 13:00  ada@example.c…  openai    gpt-4o         blog_writer  1,234     345       0  unpriced  ok
    hidden at this width: CACHED, WRITTEN, REASONING, ASSUMED, PRICED BY, SOURCE, ID, CORRECTS (widen the terminal, or use
    --format csv)

    Times are in Europe/Berlin.
    ~ No price is known: assumed at the planning rates.
    ? The call never said what it used: what was held for it was counted.
    "
  `);
});

it("leaves nothing out off a terminal", () => {
  expect(shown(null, null)).toMatchInlineSnapshot(`
    "NUMBER  TIME                  USER             PROVIDER  MODEL                          FEATURE      INPUT  CACHED  WRITTEN  OUTPUT  REASONING  IMAGES      COST  ASSUMED  PRICED BY  STATUS   SOURCE  ID        CORRECTS
      1207  2026-11-22T12:00:05Z  ada@example.com  openai    gpt-4o                         blog_writer  1,234     512        0     345         12       0   $0.0072        -  book       ok       alpha   req-0001         -
      1206  2026-11-22T12:00:05Z  ada@example.com  openai    an-image-model-of-a-long-name  blog_writer      0     512        0     345         12       2    ~$0.10    $0.10  none       ok       alpha   req-0001         -
      1205  2026-11-22T12:00:05Z  u_4f1k2m9a0b     -         gpt-4o                         -            1,234     512        0     345         12       0  $0.0072?        -  book       timeout  alpha   req-0001         -
      1204  2026-11-22T12:00:05Z  ada@example.com  openai    gpt-4o                         blog_writer  1,234     512        0     345         12       0  unpriced        -  none       ok       alpha   req-0001         -

    ~ No price is known: assumed at the planning rates.
    ? The call never said what it used: what was held for it was counted.
    "
  `);
});

it("says of a correction which event it corrects, and by how much", () => {
  const correction = event({
    number: 1208,
    corrects: 1204,
    source: null,
    id: null,
    input: 0,
    cacheRead: 0,
    output: -45,
    requests: 0,
    cost: 450_000,
    assumed: -90_000_000,
    pricedBy: "own",
  });
  const text = render(eventsTable([correction], null), "table", { width: null, style });
  expect(text).toMatch(/ -45 .* \$0\.00045 +-\$0\.09 +own +ok +- +- +1204$/m);
  expect(text).toContain("A row that corrects another one says by how much what counts changed.");
  expect(eventJson(correction)).toMatchObject({
    corrects: 1204,
    output_tokens: -45,
    cost: { nanos: 450_000 },
    assumed_cost: { nanos: -90_000_000, usd: "-0.09" },
  });
  expect(render(eventsTable([correction], null), "csv", { width: null, style })).toMatch(
    /0\.00045,-0\.09,own,ok,,,1204\n$/,
  );
  expect(eventJson(event())).toMatchObject({ corrects: null });
});

it("says of a correction to unpriced both what is known no more and what is assumed instead", () => {
  const cost = (more: Partial<EventView>) =>
    eventsTable([event({ corrects: 1204, pricedBy: "none", ...more })], null)
      .columns.find(({ key }) => key === "cost_usd")
      ?.text(event({ corrects: 1204, pricedBy: "none", ...more }));
  expect(cost({ cost: -200_000_000, assumed: 100_000_000 })).toBe("-$0.20 + ~$0.10");
  expect(cost({ cost: -200_000_000, assumed: 0 })).toBe("-$0.20");
  expect(cost({ cost: 0, assumed: -100_000_000 })).toBe("~-$0.10");
  expect(cost({ cost: 200_000_000, assumed: -100_000_000 })).toBe("$0.20 - ~$0.10");
  const taken = eventsTable([event({ corrects: 1204, cost: 0, assumed: -5, pricedBy: "none" })], null);
  expect(taken.notes).toContain("~ No price is known: assumed at the planning rates.");
});

it("shows a call that used nothing as one that cost nothing, whatever its model", () => {
  const nothing = { input: 0, cacheRead: 0, output: 0, reasoning: 0, cost: 0, pricedBy: "none" as const };
  const failed = event({ ...nothing, status: "error" });
  expect(eventJson(failed)).toMatchObject({ cost: { nanos: 0 }, assumed_cost: null, unpriced: false });
  expect(render(eventsTable([failed], null), "table", { width: null, style })).toMatch(
    / \$0\.00 +- +none +error /,
  );
  expect(render(eventsTable([failed], null), "csv", { width: null, style })).toMatch(/,0,0,0,,none,error,/);
});

it("is disjoint buckets and money in JSON", () => {
  expect(eventJson(event())).toMatchObject({
    input_tokens: 1234,
    cached_input_tokens: 512,
    cost: { nanos: 7_175_000, usd: "0.007175" },
    assumed_cost: null,
    unpriced: false,
  });
  expect(eventJson(event({ cost: 0, assumed: 5, pricedBy: "none" }))).toMatchObject({
    cost: null,
    assumed_cost: { nanos: 5 },
    unpriced: true,
  });
});
