import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Quota } from "../../src/domain/meter.js";
import { calendar } from "../../src/domain/window.js";
import { openLimits } from "../../src/index.js";
import { program } from "../support/processes.js";
import { newUser, T0, tempFolder } from "../support/store.js";
import { ASKED, CAPS, FIT, REQUEST, together } from "./children/engine-caps.js";
import type { Observed } from "./children/engine-observer.js";
import { asking, products } from "./children/engine-parent.js";
import { type OnPostgres, postgresWith } from "./children/postgres-parent.js";

const PROCESSES = 4;

/** Everything that a trip leaves is there once. */
async function expectOneTrip({ query }: OnPostgres): Promise<void> {
  expect(await query("select from guardrail_trip")).toHaveLength(1);
  expect(await query("select action, actor from stop where valid_to is null")).toEqual([
    { action: "stop", actor: "guardrail" },
  ]);
  expect(await query("select from alert where kind = 'guardrail'")).toHaveLength(1);
  expect(await query("select from audit_entry where action = 'guardrails.trip'")).toHaveLength(1);
}

test.each(Object.entries(CAPS))(
  "1,000 reservations at once in one process: exactly 100 fit under %s",
  async (_, cap) => {
    const database = await postgresWith(cap.setup);
    const limits = await openLimits({ database: database.url, now: () => T0 });
    onTestFinished(() => limits.close());
    const asked = await Promise.all(Array.from({ length: ASKED }, () => limits.reserve(cap.request)));
    expect(asked.filter(({ reservation }) => reservation !== null)).toHaveLength(FIT);
    expect(await database.query("select count(*) as holds from hold")).toEqual([{ holds: FIT }]);
    if (cap.guardrail) await expectOneTrip(database);
  },
);

const fleet = products();

test(`1,000 reservations at once over ${PROCESSES} processes: exactly 100 fit under each cap`, async () => {
  const processes = await fleet.start(PROCESSES);
  for (const [name, cap] of Object.entries(CAPS)) {
    const database = await postgresWith(cap.setup);
    await Promise.all(processes.map((each) => each.tell({ do: "open", database: database.url, now: T0 })));
    const asked = await Promise.all(
      processes.map((each) => each.tell({ do: "reserve", request: cap.request, times: ASKED / PROCESSES })),
    );
    const { admitted, said, refused } = together(asked);
    expect({ name, refused, said }).toEqual({ name, refused: cap.codes, said: admitted });
    expect(await database.query("select count(*) as holds from hold")).toEqual([{ holds: admitted }]);
    if (!cap.guardrail) {
      expect({ name, admitted }).toEqual({ name, admitted: FIT });
      continue;
    }
    // Beyond its limit a guardrail lets through what the other processes have in flight when it trips.
    expect(admitted).toBeGreaterThanOrEqual(FIT);
    expect(admitted).toBeLessThanOrEqual(FIT * PROCESSES);
    await expectOneTrip(database);
  }
  await Promise.all(processes.map((each) => each.tell({ do: "close" })));
}, 120_000);

const observer = program(new URL("children/postgres-observer.ts", import.meta.url));

test("whoever reads the database meanwhile never sees more settled and held than a limit", async () => {
  // Each user is limited in one meter alone, to what 8 calls use. The 10 callers that each process has for a user reach
  // that without the others, however the processes take turns.
  const caps: Quota[] = [
    { meter: "tokens", period: "day", limit: 8 * 7 },
    { meter: "images", period: "month", limit: 8 * 3 },
    { meter: "cost", period: "day", limit: 8 * 11 },
    { meter: "requests", period: "month", limit: 8 },
  ];
  const database = await postgresWith({
    users: [],
    more: async (tx) => {
      for (const [n, cap] of caps.entries()) {
        const tier = { key: cap.meter, label: cap.meter, rank: 10 + n, quotas: [cap], features: [] };
        await tx.tiers.save(tier, T0);
        await tx.users.add(newUser(cap.meter, { tier: cap.meter }), T0);
      }
    },
  });
  const flag = join(tempFolder(), "enough");
  const zone = calendar("UTC");
  const indexes = (["day", "month"] as const).map((period) => String(zone.windowAt(period, T0).index));
  const watching = (await observer.start())(database.direct, String(T0), ...indexes);
  const look = asking<Observed>(watching);
  await look();

  const processes = await fleet.start(PROCESSES);
  await Promise.all(processes.map((each) => each.tell({ do: "open", database: database.url, now: T0 })));
  const requests = caps.map(({ meter }) => ({ ...REQUEST, user: meter }));
  const churning = processes.map((each) => each.tell({ do: "churn", requests, flag, callers: 40 }));
  const most = (seen: Observed) =>
    caps.map((cap, n) => seen.most[`${n + 1}/${cap.period}/${cap.meter}`] ?? 0);
  const limits = caps.map(({ limit }) => limit);
  // The calls go on until it has seen a lot, and every limit reached to the last unit.
  const enough = (seen: Observed) =>
    seen.looks >= 500 && seen.changes >= 50 && most(seen).every((sum, n) => sum >= limits[n]!);
  const churned = Promise.all(churning);
  const ended = churned.then(() => Promise.reject(new Error("the calls ended by themselves")));
  while (!enough(await Promise.race([look(), ended])));
  ended.catch(() => undefined);
  writeFileSync(flag, "");
  await churned;

  expect(most(await look())).toEqual(limits);
  // The settled calls are still there, beside what comes and goes.
  expect(await database.query("select sum(requests)::int as settled from usage_day")).toEqual([
    { settled: PROCESSES * 4 },
  ]);
  await Promise.all(processes.map((each) => each.tell({ do: "close" })));
  watching.kill();
}, 120_000);
