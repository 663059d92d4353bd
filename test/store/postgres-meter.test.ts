import type { Pool } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import type { Operation, OperationOutcome } from "../../src/domain/ledger-model.js";
import type { Store } from "../../src/engine/ports.js";
import { PostgresMeter } from "../../src/store/postgres/meter.js";
import { connect, openPostgres } from "../../src/store/postgres/open.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { type OnQuery, onFirstCommit, watched } from "../support/postgres-pool.js";
import { socketUrl } from "../support/postgres-server.js";
import { ask, change, populate, record, reserve, T0 } from "../support/store.js";

/** A database with ada and bob, whom no quota stops, and as many meters on it as a test wants, each with its own pool. */
async function metered(waitMs = 5_000) {
  const name = await createDatabase();
  const url = socketUrl(inject("postgres"), name);
  const store = await openPostgres({ url, waitMs: 5_000 });
  const raw = await connectRaw(name);
  const pools: Pool[] = [];
  const meters: PostgresMeter[] = [];
  onTestFinished(async () => {
    for (const meter of meters) meter.close();
    for (const pool of pools) await pool.end();
    await raw.end();
    await store.close();
    await dropDatabase(name);
  });
  await populate(store, "ada", "bob");
  await change(store, async (tx) => {
    for (const tier of await tx.tiers.list()) await tx.tiers.save({ ...tier, quotas: [] }, T0);
  });
  const open = (onQuery?: OnQuery) => {
    const { pool, location } = connect({ url, waitMs });
    pools.push(pool);
    const meter = new PostgresMeter({
      pool: onQuery === undefined ? pool : watched(pool, onQuery),
      location,
      waitMs,
    });
    meters.push(meter);
    return meter;
  };
  const count = async (table: string) =>
    (await raw.query(`select count(*)::int as count from ${table}`)).rows[0].count as number;
  return { store, raw, open, count };
}

const statuses = (outcomes: readonly OperationOutcome[]) =>
  outcomes.map((outcome) => (outcome.op === "reserve" ? outcome.decision.code : outcome.status));

test("a batch whose connection is lost before it commits is decided again, and counts once", async () => {
  const { open, count } = await metered();
  const meter = open(
    onFirstCommit((_, send, client) => {
      client.connection.stream.destroy();
      return send();
    }),
  );
  expect(statuses(await meter.commit([record("1"), reserve("r")]))).toEqual(["inserted", "ok"]);
  expect([await count("usage_event"), await count("hold")]).toEqual([1, 1]);
});

test("a batch whose commit is not answered is found to have committed, and answered as it was decided", async () => {
  const { open, count } = await metered();
  const meter = open(
    onFirstCommit(async (_, send, client) => {
      await send();
      client.connection.stream.destroy();
      throw new Error("Connection terminated unexpectedly");
    }),
  );
  expect(statuses(await meter.commit([record("1"), reserve("r")]))).toEqual(["inserted", "ok"]);
  expect([await count("usage_event"), await count("hold")]).toEqual([1, 1]);
});

test("when nobody can say whether a batch has committed, that is said", async () => {
  const { open } = await metered(200);
  let isGone = false;
  const meter = open(async (name, send, client) => {
    if (name !== "alpha_commit" && !isGone) return send();
    isGone = true;
    client.connection.stream.destroy();
    throw new Error("Connection terminated unexpectedly");
  });
  await expect(meter.commit([record("1")])).rejects.toMatchObject({
    code: "database",
    message: expect.stringContaining("it may be saved, or not"),
    hint: expect.stringContaining("it counts once"),
  });
});

test("connections that the server ends between two batches are replaced", async () => {
  const { open, raw, count } = await metered();
  const meter = open();
  for (const id of ["1", "2", "3"]) {
    expect(statuses(await meter.commit([record(id)]))).toEqual(["inserted"]);
    expect(await meter.check("ada", ask(), T0)).toMatchObject({ code: "ok" });
    await raw.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
  }
  expect(await count("usage_event")).toBe(3);
});

test("two processes that bring the same identities at once neither fail nor count one twice", async () => {
  const { open, count } = await metered();
  const [one, other] = [open(), open()];
  for (let round = 0; round < 10; round++) {
    const ids = Array.from({ length: 20 }, (_, n) => `${round}/${n}`);
    const bring = (user: string, each: readonly string[]): Operation[] =>
      each.map((id) => record(id, { user }));
    const [ada, bob] = await Promise.all([
      one.commit(bring("ada", ids)),
      other.commit(bring("bob", ids.toReversed())),
    ]);
    const answers = [statuses(ada), statuses(bob).toReversed()];
    for (const [index] of ids.entries()) {
      expect(answers.map((answer) => answer[index]).sort()).toEqual(["conflict", "inserted"]);
    }
  }
  expect(await count("usage_event")).toBe(200);
});

test("whoever waits too long for a user is told, and nobody else waits", async () => {
  const { open, raw } = await metered(300);
  const meter = open();
  await raw.query("begin");
  await raw.query("select from users where key = 'ada' for update");
  await expect(meter.commit([record("1")])).rejects.toMatchObject({
    code: "database",
    message: expect.stringContaining("locked by another process"),
  });
  expect(statuses(await meter.commit([record("2", { user: "bob" })]))).toEqual(["inserted"]);
  await raw.query("rollback");
  expect(statuses(await meter.commit([record("1")]))).toEqual(["inserted"]);
});

test("after a stop was turned on no process admits anything", async () => {
  const { store, open, count } = await metered();
  const meters = [open(), open(), open()];
  let isOver = false;
  const reserving = meters.map(async (meter, process) => {
    for (let n = 0; !isOver; n++) await meter.commit([reserve(`${process}/${n}`)]);
  });
  for (const meter of meters) await meter.commit([record(`warm ${meters.indexOf(meter)}`)]);
  await stopEverything(store);
  const held = await count("hold");
  const last = await Promise.all(meters.map((meter, n) => meter.commit([reserve(`late ${n}`)])));
  isOver = true;
  await Promise.all(reserving);
  expect(last.map(statuses)).toEqual(meters.map(() => ["emergency-stop"]));
  expect(await count("hold")).toBe(held);
});

function stopEverything(store: Store) {
  const everything = { userId: null, tier: null, provider: null, model: null, feature: null };
  const stop = { ...everything, action: "stop", reason: null, actor: "olga", until: null } as const;
  return change(store, (tx) => tx.emergency.start(stop, T0));
}

test("a guardrail is overshot by no more than what is in flight, and trips once", async () => {
  const { store, open, count } = await metered();
  await change(store, (tx) =>
    tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 200, action: "stop" }, T0),
  );
  const meters = [open(), open(), open(), open()];
  const admitted = await Promise.all(
    meters.map(async (meter, process) => {
      for (let n = 0; ; n++) {
        const [code] = statuses(await meter.commit([reserve(`${process}/${n}`, { tokens: 10 })]));
        if (code !== "ok") return n;
      }
    }),
  );
  const sum = admitted.reduce((total, each) => total + each, 0);
  expect(sum).toBeGreaterThanOrEqual(20);
  // One reservation of 10 tokens in flight in each of the other three.
  expect(sum).toBeLessThanOrEqual(23);
  expect([await count("stop"), await count("guardrail_trip")]).toEqual([1, 1]);
});

test("the totals of a guardrail are exact, whoever adds to them at once", async () => {
  const { store, open, raw } = await metered();
  const meters = [open(), open(), open(), open()];
  // Before it is set, and while its total is begun.
  await meters[0]!.commit([record("before", { input: 40, output: 0 })]);
  await change(store, (tx) =>
    tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 1_000_000, action: "stop" }, T0),
  );
  await Promise.all(
    meters.map(async (meter, process) => {
      for (let n = 0; n < 20; n++) {
        const user = n % 2 === 0 ? "ada" : "bob";
        await meter.commit([record(`${process}/${n}`, { user, input: n, output: 0 })]);
      }
    }),
  );
  const { rows } = await raw.query("select sum(used)::int as used from guardrail_total");
  expect(rows).toEqual([{ used: 40 + 4 * 190 }]);
});

test("a server that is not there is waited for, then reported; settings and checks too", async () => {
  const { pool, location } = connect({ url: "postgres://nobody@127.0.0.1:1/none", waitMs: 100 });
  const meter = new PostgresMeter({ pool, location, waitMs: 100 });
  const refused = { code: "database", message: expect.stringContaining("nothing answers at") };
  await expect(meter.commit([record("1")])).rejects.toMatchObject(refused);
  await expect(meter.check("ada", ask(), T0)).rejects.toMatchObject(refused);
  await expect(meter.settings()).rejects.toMatchObject(refused);
  expect(meter.lastSeen("ada")).toBeNull();
  await pool.end();
});
