import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Quota } from "../../src/domain/meter.js";
import { freshHome, NOW } from "../support/cli.js";
import { rowsOf } from "../support/snapshot.js";
import { HOUR, tempFolder } from "../support/store.js";
import { databaseAt, products } from "./children/engine-parent.js";

const RECORDS = 20_000;
const PAIRS = 400;
const PROCESSES = 4;
const PLENTY: Quota = { meter: "tokens", period: "day", limit: 1_000_000_000 };

const fleet = products();

function log(): string {
  return Array.from({ length: RECORDS }, (_, n) =>
    JSON.stringify({
      id: `log-${n}`,
      timestamp: new Date(NOW - HOUR - n * 1_000).toISOString(),
      user: n % 2 === 0 ? "ada" : "bob",
      provider: "openai",
      model: "gpt-4o",
      input_tokens: 10,
      output_tokens: 5,
      cost_usd: 0.001,
    }),
  ).join("\n");
}

test("four processes that meter beside an import all get their turns, and nothing of anybody fails", async () => {
  const home = freshHome();
  await databaseAt(home.database, { users: ["ada", "bob"], quotas: [PLENTY] });
  const file = join(home.path, "usage.jsonl");
  writeFileSync(file, log());
  const flag = join(tempFolder(), "imported");
  const processes = await fleet.start(PROCESSES);
  await Promise.all(processes.map((each) => each.tell({ do: "open", database: home.database, now: NOW })));

  const request = { user: "ada", tokens: 10, cost: 1 };
  const metering = processes.map((each) =>
    each.tell({ do: "pairs", request, pairs: PAIRS, flag, callers: 4 }),
  );
  const imported = await home.json(["usage", "import", file]);
  writeFileSync(flag, "");
  const asked = await Promise.all(metering);

  expect(imported.total).toMatchObject({ inserted: RECORDS });
  for (const { admitted, codes } of asked) {
    expect(codes).toEqual({ ok: admitted });
    expect(admitted).toBeGreaterThanOrEqual(PAIRS);
  }
  const pairs = asked.reduce((sum, { admitted }) => sum + admitted, 0);
  expect(rowsOf(home.database, "select count(*) as events from usage_event")).toEqual([
    { events: RECORDS + pairs },
  ]);
  expect(rowsOf(home.database, "select sum(requests) as requests from usage_day")).toEqual([
    { requests: RECORDS + pairs },
  ]);
  expect(rowsOf(home.database, "select count(*) as holds from hold")).toEqual([{ holds: 0 }]);
});
