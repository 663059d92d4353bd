import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Quota } from "../../src/domain/meter.js";
import { calendar } from "../../src/domain/window.js";
import { openLimits } from "../../src/index.js";
import { program } from "../support/processes.js";
import { rowsOf } from "../support/snapshot.js";
import { newUser, T0, tempFolder } from "../support/store.js";
import { ASKED, CAPS, type Cap, FIT, quota, REQUEST, together } from "./children/engine-caps.js";
import type { Observed } from "./children/engine-observer.js";
import { asking, databaseWith, products } from "./children/engine-parent.js";
import type { Asked } from "./children/engine-product.js";

function expectExact(name: string, asked: readonly Asked[], { codes }: Cap): void {
  const all = together(asked);
  expect({ name, admitted: all.admitted, said: all.said }).toEqual({ name, admitted: FIT, said: FIT });
  expect({ name, codes: all.refused }).toEqual({ name, codes });
}

/** Everything that a trip leaves is there once, and agrees with what is held. */
function expectOneTrip(path: string): void {
  expect(rowsOf(path, "select * from guardrail_trip")).toHaveLength(1);
  expect(rowsOf(path, "select * from stop where valid_to is null")).toMatchObject([
    { action: "stop", actor: "guardrail" },
  ]);
  expect(rowsOf(path, "select * from alert where kind = 'guardrail'")).toHaveLength(1);
  expect(rowsOf(path, "select * from audit_entry where action = 'guardrails.trip'")).toHaveLength(1);
}

test.each(Object.entries(CAPS))(
  "1,000 reservations at once in one process: exactly 100 fit under %s",
  async (name, cap) => {
    const path = await databaseWith(cap.setup);
    const limits = await openLimits({ database: path, now: () => T0 });
    onTestFinished(() => limits.close());
    const asked = await Promise.all(Array.from({ length: ASKED }, () => limits.reserve(cap.request)));
    const codes: Record<string, number> = {};
    for (const { decision } of asked) codes[decision.code] = (codes[decision.code] ?? 0) + 1;
    const admitted = asked.filter(({ reservation }) => reservation !== null).length;
    expectExact(name, [{ admitted, codes }], cap);
    expect(rowsOf(path, "select count(*) as holds from hold")).toEqual([{ holds: FIT }]);
    if (cap.guardrail) expectOneTrip(path);
  },
);

test("a cap in money holds as well for calls that state no cost: each is held at its model's dearest rate", async () => {
  const request = { user: "ada", tokens: 1_000, provider: "openai", model: "gpt-4o" };
  const probe = await openLimits({
    database: await databaseWith(quota("cost", 1_000_000_000)),
    now: () => T0,
  });
  const { requested } = await probe.check(request);
  await probe.close();
  expect(requested).toBeGreaterThan(0);
  const limits = await openLimits({
    database: await databaseWith(quota("cost", FIT * requested)),
    now: () => T0,
  });
  onTestFinished(() => limits.close());
  const asked = await Promise.all(Array.from({ length: ASKED }, () => limits.reserve(request)));
  expect(asked.filter(({ reservation }) => reservation !== null)).toHaveLength(FIT);
});

const fleet = products();

test("1,000 reservations at once over 8 processes on one file: exactly 100 fit under each cap", async () => {
  const processes = await fleet.start(8);
  for (const [name, cap] of Object.entries(CAPS)) {
    const path = await databaseWith(cap.setup);
    await Promise.all(processes.map((each) => each.tell({ do: "open", database: path, now: T0 })));
    const asked = await Promise.all(
      processes.map((each) => each.tell({ do: "reserve", request: cap.request, times: ASKED / 8 })),
    );
    expectExact(name, asked, cap);
    expect(rowsOf(path, "select count(*) as holds from hold")).toEqual([{ holds: FIT }]);
    if (cap.guardrail) expectOneTrip(path);
  }
}, 120_000);

const observer = program(new URL("children/engine-observer.ts", import.meta.url));

test("whoever reads the file meanwhile never sees more settled and held than a limit", async () => {
  // Each user is limited in one meter alone, to what 8 calls use. The 10 callers that each process has for a user reach
  // that without the others, however the processes take turns.
  const caps: Quota[] = [
    { meter: "tokens", period: "day", limit: 8 * 7 },
    { meter: "images", period: "month", limit: 8 * 3 },
    { meter: "cost", period: "day", limit: 8 * 11 },
    { meter: "requests", period: "month", limit: 8 },
  ];
  const path = await databaseWith({
    users: [],
    more: async (tx) => {
      for (const [n, cap] of caps.entries()) {
        await tx.tiers.save(
          { key: cap.meter, label: cap.meter, rank: 10 + n, quotas: [cap], features: [] },
          T0,
        );
        await tx.users.add(newUser(cap.meter, { tier: cap.meter }), T0);
      }
    },
  });
  const flag = join(tempFolder(), "enough");
  const zone = calendar("UTC");
  const indexes = (["day", "month"] as const).map((period) => String(zone.windowAt(period, T0).index));
  const watching = (await observer.start())(path, String(T0), ...indexes);
  const look = asking<Observed>(watching);
  await look();

  const processes = await fleet.start(4);
  await Promise.all(processes.map((each) => each.tell({ do: "open", database: path, now: T0 })));
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
  const asked = await churned;

  expect(most(await look())).toEqual(limits);
  const codes = new Set(asked.flatMap((each) => Object.keys(each.codes)));
  expect([...codes].sort()).toEqual(["near-limit", "ok", "quota-exhausted"]);
  // The settled calls are still there, beside what comes and goes.
  expect(rowsOf(path, "select sum(requests) as settled from usage_day")).toEqual([{ settled: 4 * 4 }]);
}, 120_000);
