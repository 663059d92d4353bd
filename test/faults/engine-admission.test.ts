import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Meter, Period, Quota } from "../../src/domain/meter.js";
import { calendar } from "../../src/domain/window.js";
import { type LimitsRequest, openLimits } from "../../src/index.js";
import { program } from "../support/processes.js";
import { rowsOf } from "../support/snapshot.js";
import { newUser, T0, tempFolder } from "../support/store.js";
import type { Observed } from "./children/engine-observer.js";
import { asking, databaseWith, products, type Setup } from "./children/engine-parent.js";
import type { Asked } from "./children/engine-product.js";

/** A cap that exactly 100 calls fit under. */
interface Cap {
  readonly setup: Setup;
  readonly request: LimitsRequest;
  /** How everybody else is refused. */
  readonly codes: readonly string[];
  readonly guardrail?: true;
}

const FIT = 100;
const ASKED = 1_000;
const DEFAULT_BLOCK_AT = 9_500;

function quota(meter: Meter, limit: number, period: Period = "day", more: Setup = {}): Setup {
  return { ...more, quotas: [{ meter, period, limit }] };
}

function guarded(meter: "cost" | "tokens", limit: number): Setup {
  return {
    more: (tx) => tx.emergency.setGuardrail({ meter, period: "day", limit, action: "stop" }, T0),
  };
}

const REQUEST: LimitsRequest = { user: "ada", tokens: 7, images: 3, cost: 11 };
const full = ["quota-exhausted"];

const CAPS: Record<string, Cap> = {
  tokens: { setup: quota("tokens", FIT * 7), request: REQUEST, codes: full },
  images: { setup: quota("images", FIT * 3), request: REQUEST, codes: full },
  cost: { setup: quota("cost", FIT * 11, "month"), request: REQUEST, codes: full },
  requests: { setup: quota("requests", FIT), request: REQUEST, codes: full },
  // 99 calls of 19 are below 95% of 2,000, and 100 are exactly that.
  "tokens, with the default thresholds": {
    setup: quota("tokens", 2_000, "month", { blockAt: DEFAULT_BLOCK_AT }),
    request: { user: "ada", tokens: 19, cost: 0 },
    codes: full,
  },
  // 100 calls take 700 of 706, where 95% would have refused the last of them.
  "tokens, with a rest that no call fits in": {
    setup: quota("tokens", FIT * 7 + 6),
    request: REQUEST,
    codes: ["request-too-large"],
  },
  "a guardrail on cost": {
    setup: guarded("cost", FIT * 11),
    request: REQUEST,
    codes: ["emergency-stop"],
    guardrail: true,
  },
  "a guardrail on tokens": {
    setup: guarded("tokens", FIT * 7),
    request: REQUEST,
    codes: ["emergency-stop"],
    guardrail: true,
  },
};

function expectExact(name: string, asked: readonly Asked[], { codes }: Cap): void {
  const all: Record<string, number> = {};
  for (const each of asked) {
    for (const [code, count] of Object.entries(each.codes)) all[code] = (all[code] ?? 0) + count;
  }
  const admitted = asked.reduce((sum, each) => sum + each.admitted, 0);
  const { ok = 0, "near-limit": near = 0, ...refused } = all;
  expect({ name, admitted, said: ok + near }).toEqual({ name, admitted: FIT, said: FIT });
  expect({ name, codes: Object.keys(refused) }).toEqual({ name, codes });
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
