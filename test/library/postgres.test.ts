import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { type OpenLimitsOptions, openLimits } from "../../src/index.js";
import { openPostgres } from "../../src/store/postgres/open.js";
import { EXCLUDE_WRITERS } from "../../src/store/postgres/write-lock.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { socketUrl, tcpUrl } from "../support/postgres-server.js";
import { proxyTo } from "../support/proxy.js";
import { populate, T0 } from "../support/store.js";

const server = inject("postgres");

async function database() {
  const name = await createDatabase();
  onTestFinished(() => dropDatabase(name));
  const store = await openPostgres({ url: socketUrl(server, name), waitMs: 5_000 });
  await populate(store, "ada");
  await store.close();
  return { name, url: tcpUrl(server, name) };
}

async function opened(options: OpenLimitsOptions) {
  const limits = await openLimits({ now: () => T0, ...options });
  onTestFinished(() => limits.close());
  return limits;
}

test("limits are one for all who open the same address", async () => {
  const { url } = await database();
  const [first, second] = await Promise.all([opened({ database: url }), opened({ database: url })]);
  // Free Alpha has 1,000 tokens a day.
  const asked = await Promise.all(
    Array.from({ length: 12 }, (_, n) => [first, second][n % 2]!.reserve({ user: "ada", tokens: 100 })),
  );
  const letIn = asked.filter(({ reservation }) => reservation !== null);
  expect(letIn).toHaveLength(10);
  const { reservation } = letIn[0]!;
  await second.settle(reservation!.handle, { input: 10, output: 0, cost: 5 });
  expect((await first.check({ user: "ada", tokens: 90 })).outcome).not.toBe("block");
  expect((await first.check({ user: "ada", tokens: 91 })).outcome).toBe("block");
  await first.guard({ user: "ada", tokens: 30 }, async (context) => {
    context.report({ input: 30, output: 0, cost: 0 });
  });
  expect((await second.check({ user: "ada", tokens: 1 })).used).toBe(40);
});

test("an address that leads nowhere fails, and is opened later for who asked for that", async () => {
  const gone = "postgres://olga:s3cr3t-word@127.0.0.1:1/alpha";
  const error = await openLimits({ database: gone }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: "database",
    message: "nothing answers at postgres://olga@127.0.0.1:1/alpha",
  });
  expect(String((error as Error).stack)).not.toContain("s3cr3t");
  const limits = await opened({ database: gone, failOpen: true, waitMs: 100 });
  expect(await limits.check({ user: "ada", tokens: 1 })).toMatchObject({
    outcome: "allow",
    code: "store-unavailable",
  });
  await expect(
    openLimits({ database: "postgres://h/d?sslmod=require", failOpen: true }),
  ).rejects.toMatchObject({
    code: "config",
  });
});

test("what will be refused again is no outage that somebody who fails open goes on without", async () => {
  const { name, url } = await database();
  const empty = await createDatabase("template1");
  onTestFinished(() => dropDatabase(empty));
  const partly = await createDatabase();
  onTestFinished(() => dropDatabase(partly));
  const raw = await connectRaw(partly);
  await raw.query("create table unfinished_move (move text)");
  await raw.end();
  for (const [address, message] of [
    [tcpUrl(server, name, "another"), /does not accept the password/],
    [`${url}_missing`, /there is no database of that name/],
    [`${url}?sslmode=verify-full&sslrootcert=system`, /could not prove who it is/],
    [tcpUrl(server, empty), /holds no alpha database/],
    [tcpUrl(server, partly), /only a part of a database/],
  ] as const) {
    const opening = openLimits({ database: address, failOpen: true });
    await expect(opening).rejects.toMatchObject({
      code: "database",
      message: expect.stringMatching(message),
    });
  }
});

test("a server that lets somebody in and then falls silent is not waited for", async () => {
  const { name } = await database();
  const proxy = await proxyTo(server);
  proxy.silenceAt("server_version_num");
  const since = performance.now();
  await expect(openLimits({ database: proxy.url(name), waitMs: 500 })).rejects.toMatchObject({
    code: "database",
    message: expect.stringMatching(/did not answer in time$/),
  });
  expect(performance.now() - since).toBeLessThan(8_000);
});

test("connections that the server cuts are replaced, and nothing confirmed is lost", async () => {
  const { name, url } = await database();
  const raw = await connectRaw(name);
  onTestFinished(() => raw.end());
  const limits = await opened({ database: url });
  for (let n = 0; n < 10; n++) {
    const record = () => limits.record("ada", { input: 1, output: 0, cost: 1 }, { id: `call-${n}` });
    // Where it is not known whether it was saved, the same id again counts once.
    const recording = record().catch(record);
    await raw.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'alpha' and datname = current_database()",
    );
    const { status } = await recording;
    expect(["inserted", "duplicate"]).toContain(status);
  }
  expect((await limits.check({ user: "ada", tokens: 1 })).used).toBe(10);
});

const HANDLE = { user: "ada", id: "r_1", provider: "", model: "", feature: "" };

async function took(work: Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work;
  return performance.now() - since;
}

describe("a server that falls silent", () => {
  const silenced = async (waitMs: number) => {
    const { name, url } = await database();
    const proxy = await proxyTo(server);
    const limits = await opened({ database: proxy.url(name), waitMs });
    await limits.reserve({ user: "ada", tokens: 10, cost: 0 }, { id: "r_1" });
    await limits.check({ user: "ada" });
    return { limits, proxy, url };
  };

  test("is given up after the wait where it is only asked, and a second later where it writes", async () => {
    const { limits, proxy } = await silenced(1_000);
    proxy.silence();
    const unavailable = { code: "store-unavailable" };
    const checked = limits.check({ user: "ada", tokens: 1 });
    expect(await took(checked)).toBeLessThan(1_900);
    expect(await checked).toMatchObject(unavailable);
    const reserved = limits.reserve({ user: "ada", tokens: 1, cost: 0 });
    expect(await took(reserved)).toBeLessThan(2_900);
    expect(await reserved).toMatchObject({ decision: unavailable });
    const settled = limits.settle(HANDLE, { output: 1, cost: 0 });
    expect(await took(expect(settled).rejects.toMatchObject({ code: "database" }))).toBeLessThan(2_900);
  });

  test("while it commits is given up no later, and what is tried again counts once", async () => {
    const { limits, proxy } = await silenced(1_000);
    proxy.silenceAt("alpha_commit");
    const settle = () => limits.settle(HANDLE, { output: 1, cost: 0 });
    const unknown = { code: "database", message: expect.stringMatching(/it may be saved, or not$/) };
    expect(await took(expect(settle()).rejects.toMatchObject(unknown))).toBeLessThan(2_900);
    proxy.renew();
    const again = await settle().catch(settle);
    expect(["inserted", "duplicate"]).toContain(again.status);
    expect((await limits.check({ user: "ada" })).used).toBe(1);
  });

  test("on the one connection that commits is asked on another in time", async () => {
    const { limits, proxy } = await silenced(3_000);
    proxy.silenceOneAt("alpha_commit");
    expect(await limits.settle(HANDLE, { output: 1, cost: 0 })).toMatchObject({ status: "inserted" });
  });
});

describe("somebody who holds locks", () => {
  const holding = async (...statements: string[]) => {
    const { name, url } = await database();
    const raw = await connectRaw(name);
    onTestFinished(() => raw.end());
    await raw.query("begin");
    for (const statement of statements) await raw.query(statement);
    return { name, url, raw };
  };
  const locked = expect.stringMatching(/is locked by another process|took longer than it may/);

  test.each([
    ["lock_timeout=200", "lock table usage_window in access exclusive mode"],
    ["lock_timeout=200", "select id from users for update"],
    ["statement_timeout=200", "lock table usage_window in access exclusive mode"],
    ["statement_timeout=200", EXCLUDE_WRITERS],
  ])("is not waited for longer than %s of the address says: %s", async (parameter, statement) => {
    const { url } = await holding(statement);
    const limits = await opened({ database: `${url}?${parameter}`, waitMs: 6_000 });
    const reserved = limits.reserve({ user: "ada", tokens: 1, cost: 0 });
    expect(await took(reserved)).toBeLessThan(4_000);
    expect((await reserved).decision).toMatchObject({ code: "store-unavailable", cause: locked });
  });

  test("is not waited for longer by an operator either", async () => {
    const { url } = await holding(EXCLUDE_WRITERS);
    const store = await openPostgres({ url: `${url}?lock_timeout=200`, waitMs: 6_000 });
    onTestFinished(() => store.close());
    const writing = expect(store.write(async () => undefined)).rejects.toMatchObject({ message: locked });
    expect(await took(writing)).toBeLessThan(4_000);
  });

  test("and somebody else are waited for together", async () => {
    const { name, url, raw } = await holding(EXCLUDE_WRITERS);
    const other = await connectRaw(name);
    onTestFinished(() => other.end());
    await other.query("begin");
    await other.query("select id from users for update");
    const limits = await opened({ database: url, waitMs: 3_000 });
    const reserved = limits.reserve({ user: "ada", tokens: 1, cost: 0 });
    const since = performance.now();
    await delay(2_200);
    await raw.query("rollback");
    expect((await reserved).decision).toMatchObject({ code: "store-unavailable", cause: locked });
    expect(performance.now() - since).toBeLessThan(3_800);
  });
});
