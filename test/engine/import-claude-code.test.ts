import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { importUsage } from "../../src/engine/ingest.js";
import { readUsage } from "../../src/input/read-usage.js";
import { NOW } from "../support/cli.js";
import { engineOn } from "../support/engine-on.js";
import { openFreshSqlite, populate, type TestDatabase } from "../support/store.js";

const LOG = fileURLToPath(new URL("../fixtures/logs/claude-code.jsonl", import.meta.url));

let database: TestDatabase;

beforeEach(async () => {
  database = await openFreshSqlite();
  await populate(database.store, "ada");
});
afterEach(() => database.drop());

function importLog() {
  const engine = { ...engineOn(database.store, NOW), now: () => NOW, prices: async () => NO_PRICES };
  const log = { name: LOG, bytes: null, read: () => readUsage(LOG, { now: NOW }) };
  return importUsage(engine, [log], { user: "ada" });
}

const NO_PRICES = {
  name: "none",
  version: "0",
  describe: () => null,
  rates: () => null,
  dearest: () => null,
};

it("counts an answer once, as its last record states it, and not what a side chain repeats", async () => {
  const first = await importLog();
  // msg_C1 in two records and two more of a side chain, msg_C2, msg_C3, and an answer without its output.
  expect(first.total).toMatchObject({ inserted: 3, superseded: 1, duplicate: 2, rejected: 1 });
  // 3 + 1,000 + 400 and 20 + 5 + 30 and 10 + 20.
  const total = { tokens: 1403 + 55 + 30, requests: 3 };
  const days = async () => (await database.rows("usage_window")).filter(({ period }) => period === "day");
  expect(await days()).toMatchObject([total]);
  const written = (await database.rows("usage_day")).map((row) => row.cache_write);
  expect(written).toContain(1000);

  const again = await importLog();
  expect(again.total).toMatchObject({ inserted: 0, superseded: 0, duplicate: 6, rejected: 1 });
  expect(await days()).toMatchObject([total]);
});
