import { beforeEach, expect, test } from "vitest";
import type { Operation } from "../../src/domain/ledger-model.js";
import { type Home, NOW } from "../support/cli.js";
import { seededHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { DAY, HOUR, MINUTE, record, reserve, settle } from "../support/store.js";

const MORNING = NOW - 3 * HOUR;

function call(user: string, id: string, asked: number, used: number, at: number): Operation[] {
  const usage = { user, input: used, output: 0, cost: used * 1_000_000, occurredAt: at + 1 };
  return [reserve(id, { tokens: asked, cost: asked * 1_000_000 }, user, at), settle(id, usage, at + 1)];
}

/*
 * Free has 1,000 tokens a day and blocks from 950. Ada: 400 used, 500 used, 60 used, then 10 refused at 960.
 * Under 500, which block from 475, the second does not fit, so that the third and the fourth do.
 * Bob: 300 used, and on the day before 3 × 400 from a log, of which two fit into 1,000 and one into 500.
 */
let home: Home;
beforeEach(async () => {
  home = await seededHome([{ id: "ada", email: "ada@example.com" }, { id: "bob" }], {
    at: NOW - 5 * DAY,
    prepare: async ({ store: { meter } }) => {
      await meter.commit(call("ada", "1", 400, 400, MORNING));
      await meter.commit(call("ada", "2", 400, 500, MORNING + MINUTE));
      await meter.commit(call("ada", "3", 100, 60, MORNING + 2 * MINUTE));
      await meter.commit([reserve("4", { tokens: 10, cost: 0 }, "ada", MORNING + 3 * MINUTE)]);
      await meter.commit(call("bob", "5", 300, 300, MORNING));
      const log = (id: string, at: number) =>
        record(id, { user: "bob", input: 400, output: 0, cost: 4_000_000, occurredAt: at }, NOW - HOUR);
      await meter.commit([1, 2, 3].map((n) => log(`log-${n}`, MORNING - DAY + n)));
    },
  });
});

const TRIED = ["tiers", "simulate", "free", "--daily-tokens", "500"];

test("off a terminal it says whom other limits would have refused, and changes nothing", async () => {
  const before = await snapshot(home.database);
  const { code, stdout, stderr } = await home.run(TRIED);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatchInlineSnapshot(`
    "free (Free Alpha) with tokens/day 500 instead of 1,000; 2026-11-01 to 2026-11-30 (UTC)

    USER             USAGE     CALLS  REFUSED  WOULD BE  NEWLY  LET IN    SAVES   ADDS  FIRST
    ada@example.com  live          4        1         1      1       1    $0.50  $0.00  2026-11-22T09:01:00Z
    bob              live          1        0         0      0       0        -      -  -
    bob              recorded      3        1         2      1       0  $0.0040      -  2026-11-21T09:00:00.002Z

    Live: of 5 calls 1 was refused, 1 would be. 1 let through would be refused, saving $0.50. 1 refused would be let through, for about $0.00.
    Only recorded, as if each had asked: of 3 calls the limits as they were would have refused 1, these 2. 1 let through would be refused, saving $0.0040.
    "
  `);
  expect(await home.ok([...TRIED, "--by", "day"])).toMatchInlineSnapshot(`
    "free (Free Alpha) with tokens/day 500 instead of 1,000; 2026-11-01 to 2026-11-30 (UTC)

    DAY         USER             USAGE     WHY                METER   REFUSED  WOULD BE
    2026-11-22  ada@example.com  live      quota-exhausted    tokens        1         0
    2026-11-22  ada@example.com  live      request-too-large  tokens        0         1
    2026-11-21  bob              recorded  request-too-large  tokens        1         2

    Live: of 5 calls 1 was refused, 1 would be. 1 let through would be refused, saving $0.50. 1 refused would be let through, for about $0.00.
    Only recorded, as if each had asked: of 3 calls the limits as they were would have refused 1, these 2. 1 let through would be refused, saving $0.0040.
    "
  `);
  expect(await snapshot(home.database)).toEqual(before);
});

test.each([80, 120])("it fits a terminal of %i columns", async (columns) => {
  const { text } = await alphaInTerminal(home, TRIED, { columns });
  const lines = text.replaceAll("\r", "").trimEnd().split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  expect(text).toMatch(/^ada@example\.com +live +4 +1 +1 +1 +1 +\$0\.50/m);
  expect(text.includes("2026-11-22 09:01")).toBe(columns === 120);
});

test("JSON and CSV have it all", async () => {
  const data = await home.json(TRIED);
  expect(data).toMatchObject({
    tier: "free",
    since: "2026-11-01",
    until: "2026-12-01",
    limits: [{ meter: "tokens", period: "day", before: 1_000, after: 500 }],
    testers: 2,
    live: {
      calls: 5,
      refused: 1,
      would_be_refused: 1,
      newly_refused: 1,
      newly_let_through: 1,
      saves: { tokens: 500, cost: { usd: "0.5" } },
      adds: { tokens: 10 },
      refusals: [
        { user: "ada", day: "2026-11-22", code: "quota-exhausted", refused: 1, would_be_refused: 0 },
        { user: "ada", day: "2026-11-22", code: "request-too-large", refused: 0, would_be_refused: 1 },
      ],
    },
    recorded: { calls: 3, refused: 1, would_be_refused: 2 },
  });
  expect(data.live.users[0]).toMatchObject({ user: "ada", first_newly_refused_at: "2026-11-22T09:01:00Z" });
  expect((await home.ok([...TRIED, "--format", "csv"])).split("\n").slice(0, 2)).toEqual([
    "user,usage,calls,refused,would_be_refused,newly_refused,newly_let_through,saves,adds,first_newly_refused_at",
    "ada,live,4,1,1,1,1,0.5,0,2026-11-22T09:01:00Z",
  ]);
});

test("without a limit nothing would have been otherwise; nobody on the tier is said", async () => {
  const same = await home.json(["tiers", "simulate", "free"]);
  expect(same.live).toMatchObject({
    refused: 1,
    would_be_refused: 1,
    newly_refused: 0,
    newly_let_through: 0,
  });
  expect(await home.ok(["tiers", "simulate", "pro", "--daily-tokens", "1"])).toContain(
    "Nobody was on pro in that time.\n",
  );
  const quiet = ["tiers", "simulate", "free", "--since", "2026-11-18", "--until", "2026-11-20"];
  expect(await home.ok(quiet)).toContain("No calls on free of the 2 testers who were on it in that time.\n");
});

test("what makes no sense is refused", async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await home.run(["tiers", "simulate", ...args]);
    return `${code} ${stderr.split("\n")[0]}`;
  };
  expect(await refused("fre", "--daily-tokens", "5")).toBe('1 error: no tier "fre"; did you mean free?');
  expect(await refused("free", "--daily-tokens", "many")).toMatch(/^2 error: --daily-tokens/);
  expect(await refused("free", "--since", "yesterday")).toBe('2 error: --since "yesterday" is not a day');
  expect(await refused("free", "--call-tokens", "0")).toBe("2 error: --call-tokens must be 1 or more");
});
