import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { MIGRATION_NAMES } from "../../migrations/names.js";
import { emergencyOff, emergencyOn } from "../../src/engine/emergency.js";
import type { Engine } from "../../src/engine/engine.js";
import { setSuspended } from "../../src/engine/users.js";
import { type Limits, type OpenLimitsOptions, openLimits, UnsettledError } from "../../src/index.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { NOW } from "../support/cli.js";
import { watchConnections } from "../support/connections.js";
import { engineOn, seededDatabase } from "../support/engine-on.js";
import { program } from "../support/processes.js";
import { rowsOf } from "../support/snapshot.js";
import { tempFolder } from "../support/store.js";

const REQUEST = { user: "ada", tokens: 100, cost: 0 };
const WAIT_MS = 120;
/** What a machine under load may add to a wait. */
const SLACK_MS = 1_500;
const locker = program(new URL("./children/locker.ts", import.meta.url));
const reader = program(new URL("./children/reader.ts", import.meta.url));

async function opened(options: Partial<OpenLimitsOptions> = {}) {
  const path = join(tempFolder(), "alpha.db");
  await seededDatabase(path, [{ id: "ada", email: "ada@example.com" }, { id: "bob" }]);
  const limits = await openLimits({ database: path, now: () => NOW, waitMs: WAIT_MS, ...options });
  onTestFinished(() => limits.close());
  return { path, limits };
}

/** Does what an operator does, on a connection of their own. */
async function operate(path: string, work: (engine: Engine) => Promise<unknown>): Promise<void> {
  const store = await openSqlite({ path, waitMs: 5_000 });
  await work(engineOn(store, NOW));
  await store.close();
}

/** Lets the time pass for which a file that was seen is believed to be there. */
function letTimePass(): void {
  const before = performance.now();
  const now = performance.now.bind(performance);
  const jump = vi.spyOn(performance, "now").mockImplementation(() => now() + 300);
  onTestFinished(() => jump.mockRestore());
  expect(performance.now() - before).toBeGreaterThan(250);
}

type Heal = () => void | Promise<void>;
type Fault = (path: string) => Heal | Promise<Heal>;

const ALL = ["", "-wal", "-shm"];
const moveAll = (from: string, to: string) => {
  for (const end of ALL) if (existsSync(from + end)) renameSync(from + end, to + end);
};
const gone: Fault = (path) => {
  moveAll(path, `${path}.away`);
  letTimePass();
  return () => moveAll(`${path}.away`, path);
};
const replaced: Fault = (path) => {
  moveAll(path, `${path}.away`);
  writeFileSync(path, "something else\n".repeat(1_000));
  letTimePass();
  return () => moveAll(`${path}.away`, path);
};
const foreign: Fault = (path) => {
  moveAll(path, `${path}.away`);
  new Sqlite(path).exec("create table recipe (name text)").close();
  letTimePass();
  return () => moveAll(`${path}.away`, path);
};
const locked: Fault = async (path) => {
  const child = (await locker.start())(path);
  await child.line((line) => line === "locked");
  return async () => {
    child.say("free");
    await child.line((line) => line === "free");
  };
};
const full: Fault = () => {
  const pages = (count: string) => {
    for (const raw of connections) if (raw.open) raw.pragma(`max_page_count = ${count}`);
  };
  pages("1");
  return () => pages("4294967294");
};
const damaged: Fault = (path) => {
  const good = readFileSync(path);
  const bad = Buffer.from(good);
  bad.fill(0xa5, 4_096);
  writeFileSync(path, bad, { flag: "r+" });
  return () => writeFileSync(path, good, { flag: "r+" });
};

let connections: ReadonlySet<Sqlite.Database> = new Set();

async function inTime<T>(work: Promise<T>): Promise<T> {
  const since = process.hrtime.bigint();
  const result = await work;
  expect(Number(process.hrtime.bigint() - since) / 1e6).toBeLessThan(WAIT_MS + SLACK_MS);
  return result;
}

/** Usage until the file has no room left: how much of it was counted. */
async function fill(limits: Limits): Promise<number> {
  for (let tokens = 0; ; tokens += 1) {
    try {
      await limits.record("bob", { output: 1, cost: 0, status: "x".repeat(512) });
    } catch (error) {
      expect(error).toMatchObject({ code: "database" });
      return tokens;
    }
  }
}

const usedBy = (path: string, user: string) =>
  rowsOf(
    path,
    `select w.tokens, w.requests from usage_window w join users u on u.id = w.user_id where u.key = '${user}' and period = 'day'`,
  );

describe.each([
  ["gone", gone],
  ["replaced by something else", replaced],
  ["replaced by another program's database", foreign],
  ["locked for long", locked],
  ["full", full],
])("a database that is %s", (name, cause) => {
  it("blocks, keeps nothing back and loses nothing", async () => {
    connections = watchConnections();
    const { path, limits } = await opened();
    const { reservation } = await limits.reserve(REQUEST);
    const handle = reservation?.handle as never;

    const heal = await cause(path);
    if (name === "full") await fill(limits);
    const { decision, reservation: none } = await inTime(limits.reserve({ ...REQUEST, user: "ada" }));
    // A lock is no fault for who only reads, and neither is a full disk; and a small write may still find room in the
    // last page of a full file.
    const reads = name === "locked for long" || name === "full";
    expect((await inTime(limits.check(REQUEST))).code).toBe(reads ? "ok" : "store-unavailable");
    if (name !== "full") {
      expect(decision).toMatchObject({ outcome: "block", code: "store-unavailable", quotas: [] });
      expect(decision.cause).toContain(path);
      expect(none).toBeNull();
      await expect(inTime(limits.settle(handle, { output: 70, cost: 0 }))).rejects.toMatchObject({
        name: "AlphaError",
        code: "database",
      });
      const kept = limits.record("ada", { output: 5, cost: 0 }, { id: "kept" });
      await expect(inTime(kept)).rejects.toMatchObject({ code: "database" });
    }

    await heal();
    const settle = () => limits.settle(handle, { output: 70, cost: 0 });
    const record = () => limits.record("ada", { output: 5, cost: 0 }, { id: "kept" });
    expect((await settle()).status).toBe("inserted");
    expect((await record()).status).toBe("inserted");
    expect((await settle()).status).toBe("duplicate");
    expect((await record()).status).toBe("duplicate");
    expect(usedBy(path, "ada")).toEqual([{ tokens: 75, requests: 2 }]);
    if (none === null) expect((await limits.check(REQUEST)).held).toBe(0);
  });
});

describe("a database", () => {
  it("that is damaged blocks, and goes on once it is whole again", async () => {
    const { path, limits } = await opened();
    const heal = await damaged(path);
    expect(await inTime(limits.check(REQUEST))).toMatchObject({ code: "store-unavailable" });
    expect((await inTime(limits.reserve(REQUEST))).decision.cause).toContain("damaged");
    const record = () => limits.record("ada", { output: 5, cost: 0 }, { id: "kept" });
    await expect(inTime(record())).rejects.toMatchObject({ code: "database" });
    await heal();
    expect((await limits.check(REQUEST)).code).toBe("ok");
    expect((await record()).status).toBe("inserted");
    expect((await record()).status).toBe("duplicate");
  });

  it("that may be read and not written decides and writes nothing", async () => {
    const { path, limits } = await opened();
    await limits.check(REQUEST);
    const folder = dirname(path);
    chmodSync(folder, 0o555);
    for (const end of ALL) chmodSync(path + end, 0o444);
    onTestFinished(() => chmodSync(folder, 0o755));
    const child = (await reader.start())(path);
    const answer = JSON.parse(await child.line((line) => line.startsWith("{")));
    expect(answer).toEqual({
      check: "ok",
      reserve: "store-unavailable",
      cause: expect.stringContaining("cannot be written"),
      reservation: null,
      recorded: "database",
    });
  });

  it("that is replaced by a backup is used from then on", async () => {
    const { path, limits } = await opened();
    await limits.record("ada", { output: 5, cost: 0 }, { id: "before" });
    new Sqlite(path).exec(`vacuum into '${path}.backup'`).close();
    await limits.record("ada", { output: 7, cost: 0 }, { id: "after" });
    moveAll(path, `${path}.away`);
    copyFileSync(`${path}.backup`, path);
    new Sqlite(path).pragma("journal_mode = wal");
    letTimePass();
    expect((await limits.check(REQUEST)).used).toBe(5);
    expect((await limits.record("ada", { output: 7, cost: 0 }, { id: "after" })).status).toBe("inserted");
    expect((await limits.record("ada", { output: 5, cost: 0 }, { id: "before" })).status).toBe("duplicate");
    expect(usedBy(path, "ada")).toEqual([{ tokens: 12, requests: 2 }]);
  });

  it("that was closed is unavailable", async () => {
    const { limits } = await opened();
    const { reservation } = await limits.reserve(REQUEST);
    await limits.close();
    expect((await limits.check(REQUEST)).code).toBe("store-unavailable");
    expect(await limits.checkMany([REQUEST, REQUEST])).toMatchObject([
      { code: "store-unavailable" },
      { code: "store-unavailable" },
    ]);
    expect((await limits.reserve(REQUEST)).reservation).toBeNull();
    const settled = limits.settle(reservation?.handle as never, { output: 1 });
    await expect(settled).rejects.toMatchObject({ code: "database" });
    await expect(limits.release(reservation?.handle as never)).rejects.toMatchObject({ code: "database" });
  });

  it("that is locked does not stop the rest of the process", async () => {
    const { path, limits } = await opened();
    await limits.check(REQUEST);
    const heal = await locked(path);
    let turns = 0;
    let waiting = true;
    const asked = limits.reserve(REQUEST).finally(() => {
      waiting = false;
    });
    while (waiting) {
      await turn();
      turns += 1;
    }
    expect((await asked).decision.code).toBe("store-unavailable");
    expect(turns).toBeGreaterThan(20);
    await heal();
  });
});

describe("guard, when the call failed and the store too", () => {
  it("hands both errors on, and the usage can still be written", async () => {
    const { path, limits } = await opened();
    let heal: Heal = () => {};
    const failed = await limits
      .guard(REQUEST, async (call) => {
        call.report({ output: 9, cost: 0 });
        heal = await gone(path);
        throw new Error("provider");
      })
      .catch((error: AggregateError) => error);
    const [error, unsettled] = (failed as AggregateError).errors;
    expect(error).toMatchObject({ message: "provider" });
    expect(unsettled).toBeInstanceOf(UnsettledError);
    await heal();
    expect((await (unsettled as UnsettledError).retry()).status).toBe("inserted");
    expect(usedBy(path, "ada")).toEqual([{ tokens: 9, requests: 1 }]);
  });
});

const last = MIGRATION_NAMES.at(-1);
const run = (path: string, sql: string) => void new Sqlite(path).exec(sql).close();
const replace = (path: string, content: string) => {
  moveAll(path, `${path}.away`);
  writeFileSync(path, content);
};

describe("failing open", () => {
  it("lets calls through without a store, and what they used counts when it is back", async () => {
    const { path, limits } = await opened({ failOpen: true });
    await limits.check(REQUEST);
    const heal = await gone(path);
    expect(await limits.check(REQUEST)).toMatchObject({
      outcome: "allow",
      code: "store-unavailable",
      message: "You may go ahead.",
      cause: expect.stringContaining(path),
    });
    const { decision, reservation } = await limits.reserve({ ...REQUEST, provider: "openai" });
    expect(decision).toMatchObject({ outcome: "allow", code: "store-unavailable" });
    expect(reservation).toMatchObject({ tokens: 100, cost: 0, handle: { user: "ada", provider: "openai" } });
    const settle = () => limits.settle(reservation?.handle as never, { output: 80, cost: 0 });
    await expect(settle()).rejects.toMatchObject({ code: "database" });
    await heal();
    expect((await settle()).status).toBe("inserted");
    expect((await settle()).status).toBe("duplicate");
    expect((await limits.check(REQUEST)).used).toBe(80);
  });

  it("obeys the stops and suspensions that it saw last, and no others", async () => {
    const { path, limits } = await opened({ failOpen: true });
    await limits.check({ ...REQUEST, user: "bob" });
    await operate(path, async (engine) => {
      await emergencyOn(engine, { provider: "openai" });
      await setSuspended(engine, true, { user: "bob" });
    });
    await limits.check(REQUEST);
    await limits.check({ ...REQUEST, user: "bob" });
    await gone(path);
    const code = async (request: object) => (await limits.check({ ...REQUEST, ...request })).code;
    expect(await code({ provider: "openai" })).toBe("emergency-stop");
    expect(await code({})).toBe("emergency-stop");
    expect(await code({ provider: "anthropic" })).toBe("store-unavailable");
    expect(await code({ provider: "anthropic", user: "bob" })).toBe("user-suspended");
    const { decision, reservation } = await limits.reserve({ ...REQUEST, provider: "openai" });
    expect([decision.outcome, reservation]).toEqual(["block", null]);
  });

  it("forgets a stop that it saw being lifted", async () => {
    const { path, limits } = await opened({ failOpen: true });
    await operate(path, (engine) => emergencyOn(engine, {}));
    expect((await limits.check(REQUEST)).code).toBe("emergency-stop");
    await operate(path, (engine) => emergencyOff(engine, {}));
    expect((await limits.check(REQUEST)).code).toBe("ok");
    await gone(path);
    expect((await limits.check(REQUEST)).outcome).toBe("allow");
  });

  it("may begin without a store, and uses it when it is there", async () => {
    const path = join(tempFolder(), "alpha.db");
    await expect(openLimits({ database: path })).rejects.toMatchObject({ code: "database" });
    const limits = await openLimits({ database: path, now: () => NOW, failOpen: true });
    onTestFinished(() => limits.close());
    expect(await limits.check(REQUEST)).toMatchObject({ outcome: "allow", code: "store-unavailable" });
    const recorded = () => limits.record("ada", { output: 80, cost: 0 }, { id: "1" });
    await expect(recorded()).rejects.toMatchObject({ code: "database" });

    await seededDatabase(path, [{ id: "ada" }]);
    expect(await limits.check(REQUEST)).toMatchObject({ code: "ok", used: 0 });
    expect([(await recorded()).status, (await recorded()).status]).toEqual(["inserted", "duplicate"]);
    await operate(path, async ({ store }) => {
      const clients = await store.read((tx) => tx.records.clients());
      expect(clients.map(({ failOpen }) => failOpen)).toContain(true);
    });
    await limits.close();
    expect(await limits.check(REQUEST)).toMatchObject({ cause: expect.stringContaining("was closed") });
  });

  describe.each<[string, RegExp, (path: string) => void]>([
    [
      "only a part of one",
      /only a part of a database/,
      (path) => run(path, "create table unfinished_move (move)"),
    ],
    [
      "a newer version's",
      /newer version/,
      (path) => run(path, "insert into kysely_migration values ('9999', 'x')"),
    ],
    [
      "an older version's",
      /older than this/,
      (path) => run(path, `delete from kysely_migration where name = '${last}'`),
    ],
    ["no alpha database", /holds no alpha database/, (path) => replace(path, "")],
    ["no database", /not a SQLite database/, (path) => replace(path, "something else\n".repeat(1_000))],
  ])("what is %s", (_, message, spoil) => {
    const spoilt = async () => {
      const path = join(tempFolder(), "alpha.db");
      await seededDatabase(path, [{ id: "ada" }]);
      spoil(path);
      return path;
    };

    it("is no outage, and is refused", async () => {
      const opening = openLimits({ database: await spoilt(), failOpen: true });
      await expect(opening).rejects.toMatchObject({
        code: "database",
        message: expect.stringMatching(message),
      });
    });

    it("lets nothing through when it comes in the place of none", async () => {
      const path = join(tempFolder(), "alpha.db");
      const limits = await openLimits({ database: path, now: () => NOW, failOpen: true });
      onTestFinished(() => limits.close());
      expect(await limits.check(REQUEST)).toMatchObject({ outcome: "allow", code: "store-unavailable" });
      moveAll(await spoilt(), path);
      const refused = { outcome: "block", code: "store-unavailable", cause: expect.stringMatching(message) };
      expect(await limits.check(REQUEST)).toMatchObject(refused);
      expect(await limits.reserve(REQUEST)).toMatchObject({ decision: refused, reservation: null });
    });
  });

  it("is no way to open a folder", async () => {
    const opening = openLimits({ database: tempFolder(), failOpen: true });
    await expect(opening).rejects.toMatchObject({
      code: "database",
      message: expect.stringMatching(/is a folder/),
    });
  });

  it("is written down in the database, as is failing closed", async () => {
    const { path } = await opened({ failOpen: true });
    const closed = await openLimits({ database: path, now: () => NOW + 1 });
    await closed.close();
    await operate(path, async ({ store }) => {
      expect(await store.read((tx) => tx.records.clients())).toEqual([
        { kind: "library", host: hostname(), pid: process.pid, failOpen: false, openedAt: NOW + 1 },
        { kind: "library", host: hostname(), pid: process.pid, failOpen: true, openedAt: NOW },
      ]);
    });
  });
});
