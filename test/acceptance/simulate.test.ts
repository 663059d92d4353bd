import { beforeEach, expect, test } from "vitest";
import type { Operation } from "../../src/domain/ledger-model.js";
import { freshHome, type Home, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { alphaInTerminal } from "../support/pty.js";
import { snapshot } from "../support/snapshot.js";
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
  home = freshHome();
  await seededDatabase(home.database, [{ id: "ada", email: "ada@example.com" }, { id: "bob" }], {
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

test("it says whom other limits would have refused, and what that saves and adds", async () => {
  const before = snapshot(home.database);
  const { code, stdout, stderr } = await home.run(TRIED);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  console.log(stdout, (await home.ok([...TRIED, "--by", "day"])), (await home.ok([...TRIED, "--format","csv"])),await home.ok([...TRIED, "--json"]));
  expect(snapshot(home.database)).toEqual(before);
});

test.each([80, 120])("on a terminal of %i columns", async (columns) => {
  const { text } = await alphaInTerminal(home, TRIED, { columns });
  console.log(text);
});
