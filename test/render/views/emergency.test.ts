import { expect, test } from "vitest";
import { INITIAL_SETTINGS } from "../../../src/domain/settings.js";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import {
  callsInWords,
  liftedText,
  startedJson,
  startedText,
  stopJson,
  stopsTable,
} from "../../../src/render/views/emergency.js";
import { NOON, stopOf } from "../../support/decision.js";

const style = createStyle({ color: false });
const look = { style, width: null };
const HOUR = 3_600_000;
const ada = { scope: { userId: 7 }, user: "ada@example.com" };

function stop(rest: Partial<Parameters<typeof stopOf>[0]> & { readonly user?: string | null } = {}) {
  const { user = null, ...more } = rest;
  return { ...stopOf({ since: NOON, actor: "olga", ...more }), user };
}

test.each([
  [{}, null, "all calls"],
  [{ userId: 7 }, "ada@example.com", "calls of ada@example.com"],
  [{ userId: 7, provider: "google" }, "ada@example.com", "calls of ada@example.com to google"],
  [{ userId: 7, tier: "pro" }, "ada@example.com", "calls of ada@example.com while on pro"],
  [{ userId: 7 }, null, "calls of #7"],
  [{ tier: "free" }, null, "calls of everybody on free"],
  [{ model: "gpt-4o" }, null, "calls to gpt-4o"],
  [{ provider: "openai", model: "gpt-4o" }, null, "calls to gpt-4o of openai"],
  [{ feature: "blog_writer" }, null, "calls for blog_writer"],
  [{ tier: "pro", provider: "google", feature: "seo" }, null, "calls of everybody on pro to google for seo"],
])("the scope %j in words", (scope, user, words) => {
  expect(callsInWords(stop({ scope, user }))).toBe(words);
});

const started = {
  outcome: "on" as const,
  testers: 1,
  products: 1,
  lastLiveUse: NOON - 120_000,
  unseen: [],
  settings: INITIAL_SETTINGS,
  now: NOON,
  dryRun: false,
};

test("on says exactly what is stopped, until when, and how to lift it", () => {
  const one = stop({
    scope: { userId: 7, provider: "google" },
    user: "ada@example.com",
    until: NOON + 2 * HOUR,
  });
  expect(startedText({ ...started, stop: one }, look)).toBe(`\
Stopped: calls of ada@example.com to google, until 2026-11-22 14:00 (UTC)
That concerns 1 tester.
A call that does not say its provider is covered too: it might be one of them.
The last live call was 2m ago, at 2026-11-22 11:58 (UTC).
Lift it with: alpha emergency-stop off --user ada@example.com --provider google
`);
});

test("a throttle says the limits; a dry run and a repetition say that they changed nothing", () => {
  const throttle = stop({ action: "throttle" });
  expect(startedText({ ...started, stop: throttle, testers: 1_200, lastLiveUse: null }, look)).toBe(`\
Throttled: all calls, until it is lifted
Each tester may use 1,000 tokens and $5.00 a day at most.
That concerns 1,200 testers.
Lift it with: alpha emergency-stop off
`);
  const first = (view: object) => startedText({ ...started, stop: stop(), ...view }, look).split("\n")[0];
  expect(first({ dryRun: true })).toBe("Would stop: all calls, until it is lifted");
  expect(first({ outcome: "extended" })).toBe("Stopped for longer: all calls, until it is lifted");
  expect(startedText({ ...started, stop: stop({ reason: "loop" }), outcome: "already-on" }, look)).toContain(
    "Already stopped: all calls, until it is lifted\nBy olga since 2026-11-22 12:00 UTC: loop. Nothing was changed.\n",
  );
});

test("on a narrow terminal sentences are wrapped, and the command to copy is not", () => {
  const one = stop({
    scope: { userId: 7, model: "gemini-2.5-flash-image-preview" },
    user: "ada@example.com",
  });
  const text = startedText({ ...started, stop: one }, { style, width: 40 });
  expect(text).toBe(`\
Stopped: calls of ada@example.com to
gemini-2.5-flash-image-preview, until it
is lifted
That concerns 1 tester.
A call that does not say its model is
covered too: it might be one of them.
The last live call was 2m ago, at
2026-11-22 11:58 (UTC).
Lift it with: alpha emergency-stop off --user ada@example.com --model gemini-2.5-flash-image-preview
`);
});

test("the command that lifts is quoted for a shell", () => {
  const text = startedText({ ...started, stop: stop({ scope: { model: "my model" } }) }, look);
  expect(text).toContain("alpha emergency-stop off --model 'my model'\n");
});

test("what others wrote cannot steer the terminal", () => {
  const nasty = stop({ reason: "a\u001b[2Jb", scope: { model: "m\u202e" }, actor: "x\u0007" });
  const texts = [
    startedText({ ...started, stop: nasty, outcome: "already-on" }, look),
    liftedText({ lifted: [nasty], still: [nasty], zone: "UTC", dryRun: false }, look),
    render(stopsTable([nasty], null), "table", { width: null, style }),
  ];
  for (const text of texts) {
    for (const character of ["\u001b", "\u202e", "\u0007"]) expect(text).not.toContain(character);
  }
});

test("off says what was lifted and what is still on", () => {
  const lifted = [stop({ ...ada, reason: "loop" })];
  const still = [stop({ action: "throttle", scope: { tier: "free" } })];
  expect(liftedText({ lifted, still, zone: "Europe/Berlin", dryRun: false }, look)).toBe(`\
Lifted: calls of ada@example.com (stopped by olga since 2026-11-22 13:00 Europe/Berlin: loop)
Still on: calls of everybody on free (throttled by olga since 2026-11-22 13:00 Europe/Berlin)
`);
  expect(liftedText({ lifted, still: [], zone: "UTC", dryRun: true }, look)).toMatch(/^Would lift: /);
  expect(liftedText({ lifted: [], still: [], zone: "UTC", dryRun: false }, look)).toBe("Nothing was on.\n");
});

const several = [
  stop({ ...ada, until: NOON + 2 * HOUR, reason: "a runaway loop in the nightly job that nobody watches" }),
  stop({ action: "throttle", scope: { tier: "free", provider: "google" }, actor: "guardrail" }),
];
const at = (width: number | null, zone: string | null) =>
  render(stopsTable(several, zone), "table", { width, style });

test("status at 80 columns", () => {
  expect(at(80, "Europe/Berlin")).toMatchInlineSnapshot(`
    "ON        COVERS                                UNTIL
    stop      calls of ada@example.com              2026-11-22 15:00
    throttle  calls of everybody on free to google  lifted
    hidden at this width: SINCE, BY, REASON (widen the terminal, or use --format
    csv)

    Times are in Europe/Berlin.
    Lift everything with: alpha emergency-stop off
    "
  `);
});

test("status at 120 columns", () => {
  expect(at(120, "Europe/Berlin")).toMatchInlineSnapshot(`
    "ON        COVERS                                SINCE             UNTIL             BY         REASON
    stop      calls of ada@example.com              2026-11-22 13:00  2026-11-22 15:00  olga       a runaway loop in the ni…
    throttle  calls of everybody on free to google  2026-11-22 13:00  lifted            guardrail  -

    Times are in Europe/Berlin.
    Lift everything with: alpha emergency-stop off
    "
  `);
});

test("status off a terminal tells instants in UTC", () => {
  expect(at(null, null)).toMatchInlineSnapshot(`
    "ON        COVERS                                SINCE                 UNTIL                 BY         REASON
    stop      calls of ada@example.com              2026-11-22T12:00:00Z  2026-11-22T14:00:00Z  olga       a runaway loop in the nightly job that nobody watches
    throttle  calls of everybody on free to google  2026-11-22T12:00:00Z  lifted                guardrail  -

    Lift everything with: alpha emergency-stop off
    "
  `);
});

test("nothing on", () => {
  expect(render(stopsTable([], null), "table", { width: 80, style })).toBe(
    "Nothing is stopped or throttled.\n",
  );
});

test("JSON has every part of the scope, also where it is not limited", () => {
  expect(stopJson(several[0]!)).toEqual({
    id: 1,
    action: "stop",
    scope: { user: "ada@example.com", tier: null, provider: null, model: null, feature: null },
    reason: "a runaway loop in the nightly job that nobody watches",
    actor: "olga",
    since: "2026-11-22T12:00:00Z",
    until: "2026-11-22T14:00:00Z",
  });
  expect(startedJson({ ...started, stop: stop(), outcome: "already-on" })).toMatchObject({
    outcome: "already_on",
    testers: 1,
    products: 1,
    last_live_use: "2026-11-22T11:58:00Z",
    never_metered: [],
  });
});
