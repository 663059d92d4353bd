import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { beforeEach, expect, it } from "vitest";
import { backupDatabase } from "../../src/engine/backup.js";
import { emergencyOff } from "../../src/engine/emergency.js";
import { restoreDatabase } from "../../src/engine/restore.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { SqliteCopies } from "../../src/store/sqlite/copies.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { engineOn, type TestEngine } from "../support/engine-on.js";
import { ask, freshSqliteFile, populate, record, reserve, T0, tempFolder } from "../support/store.js";

let folder: string;
let path: string;
let engine: TestEngine;
let copies: SqliteCopies;

beforeEach(async () => {
  folder = tempFolder();
  path = await freshSqliteFile(join(folder, "alpha.db"));
  copies = new SqliteCopies({ path, waitMs: 2_000 });
  engine = engineOn(await openSqlite({ path, waitMs: 2_000 }));
  await populate(engine.store, "ada");
  await engine.store.meter.commit([record("1"), reserve("r1")]);
  return () => engine.store.close();
});

const count = (file: string, table: string): number => {
  const raw = new Sqlite(file, { readonly: true });
  try {
    return raw.prepare<[], number>(`select count(*) from ${table}`).pluck().get() as number;
  } finally {
    raw.close();
  }
};
const calls = (names: string) => Array.from({ length: 200 }, (_, n) => record(`${names}-${n}`));

it("a backup is of one instant, one file, and says when it was made", async () => {
  const target = join(folder, "copy.db");
  // Several steps long, between each of which somebody writes.
  for (let n = 0; n < 60; n += 1) await engine.store.meter.commit(calls(`before-${n}`));
  let written = 0;
  const progress = { report: () => void engine.store.meter.commit([record(`during-${++written}`)]) };
  const made = await backupDatabase(engine, copies, target, { progress });
  expect(made).toMatchObject({ path: target, replaced: false, verification: { differenceCount: 0 } });
  expect(made.verification?.rows).toBe(1 + 60 * 200);
  expect(written).toBeGreaterThan(0);
  expect(count(target, "usage_event")).toBe(1 + 60 * 200);
  expect(readdirSync(folder).sort()).toEqual(["alpha.db", "alpha.db-shm", "alpha.db-wal", "copy.db"]);
  const [entry] = await engine.store.read((tx) => tx.records.audit({ action: "db.backup" }));
  expect(entry).toMatchObject({ actor: "olga", subject: "database:backup", after: { path: target } });
});

it("is refused where it cannot be, and leaves nothing when it is interrupted or damaged", async () => {
  await expect(backupDatabase(engine, copies, path)).rejects.toMatchObject({ code: "usage" });
  await expect(backupDatabase(engine, copies, `${path}-wal`)).rejects.toMatchObject({ code: "usage" });
  await expect(copies.existing(join(folder, "none", "x.db"))).rejects.toMatchObject({ code: "failed" });
  await expect(copies.existing(folder)).rejects.toMatchObject({ code: "usage" });
  const signal = AbortSignal.abort();
  const interrupted = backupDatabase(engine, copies, join(folder, "copy.db"), { signal });
  await expect(interrupted).rejects.toMatchObject({ code: "interrupted" });
  const tried = await backupDatabase(engine, copies, join(folder, "copy.db"), { dryRun: true });
  expect(tried).toMatchObject({ verification: null });
  expect(existsSync(join(folder, "copy.db"))).toBe(false);
  expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
});

it("a restored backup starts stopped and without holds, and the old file is kept", async () => {
  const target = join(folder, "copy.db");
  await backupDatabase(engine, copies, target);
  await engine.store.meter.commit([record("2")]);
  engine.at = T0 + 60_000;
  const restored = await restoreDatabase(engine, copies, target, { reason: "disk failed" });
  expect(restored).toMatchObject({
    backup: target,
    asOf: T0,
    holdsDropped: 1,
    aside: `${path}.replaced`,
    verification: { differenceCount: 0, rows: 1 },
  });
  expect([count(path, "usage_event"), count(`${path}.replaced`, "usage_event")]).toEqual([1, 2]);
  // The store that was open meters on the file that is in its place now.
  const decision = await engine.store.meter.check("ada", ask(), engine.at);
  expect(decision).toMatchObject({ outcome: "block", code: "emergency-stop" });
  const fresh = engineOn(await openSqlite({ path, waitMs: 2_000 }), engine.at);
  try {
    await fresh.store.read(async (tx) => {
      expect(await tx.holds.list()).toEqual([]);
      expect(await tx.emergency.active(engine.at)).toMatchObject([
        { actor: "restore", reason: "disk failed" },
      ]);
      expect(await tx.records.audit({ limit: 2 })).toMatchObject([
        { action: "emergency-stop.on", actor: "restore" },
        {
          action: "db.restore",
          actor: "olga",
          reason: "disk failed",
          after: { path: target, holds_dropped: 1 },
        },
      ]);
    });
    expect((await emergencyOff(fresh, {})).still).toEqual([]);
    expect(await verifyTotals(fresh)).toMatchObject({ differenceCount: 0 });
  } finally {
    await fresh.store.close();
  }
  // A second time the name is taken.
  expect(await restoreDatabase(engine, copies, target)).toMatchObject({ aside: `${path}.replaced-2` });
});

it("a backup that is damaged, foreign, newer or not there is refused, and the database stays", async () => {
  const before = count(path, "audit_entry");
  const restore = (file: string) => expect(restoreDatabase(engine, copies, file)).rejects;
  await restore(join(folder, "none.db")).toMatchObject({ code: "not-found" });
  await restore(path).toMatchObject({ code: "usage" });
  const text = join(folder, "text.db");
  writeFileSync(text, "no database at all, whatever it is called".repeat(100));
  await restore(text).toMatchObject({ code: "database", message: `${text} is not a SQLite database` });
  const foreign = join(folder, "foreign.db");
  const raw = new Sqlite(foreign);
  raw.exec("create table t (x)");
  raw.close();
  await restore(foreign).toMatchObject({
    code: "database",
    message: `${foreign} holds no alpha database`,
  });
  const damaged = join(folder, "damaged.db");
  await backupDatabase(engine, copies, damaged);
  const bytes = readFileSync(damaged);
  bytes.fill(0x5a, 30 * 2048, 34 * 2048);
  writeFileSync(damaged, bytes);
  await restore(damaged).toMatchObject({
    code: "database",
    message: expect.stringMatching(new RegExp(`^the backup ${damaged} is damaged: `)),
  });
  expect(count(path, "audit_entry")).toBe(before + 1);
  expect(readdirSync(folder).filter((name) => /restoring|replaced/.test(name))).toEqual([]);
});

it("waits for whoever writes, and gives up in time", async () => {
  const target = join(folder, "copy.db");
  await backupDatabase(engine, copies, target);
  const writer = new Sqlite(path);
  writer.exec("begin immediate");
  const hasty = new SqliteCopies({ path, waitMs: 50 });
  await expect(restoreDatabase(engine, hasty, target)).rejects.toMatchObject({ code: "database" });
  writer.exec("rollback");
  writer.close();
  expect(readdirSync(folder).filter((name) => /restoring|replaced/.test(name))).toEqual([]);
  const { aside } = await restoreDatabase(engine, hasty, target);
  expect(aside).toBe(`${path}.replaced`);
});

it("a damaged database can be replaced", async () => {
  const target = join(folder, "copy.db");
  await backupDatabase(engine, copies, target);
  await engine.store.close();
  writeFileSync(path, "not a database any more");
  await restoreDatabase(engine, copies, target);
  expect(count(path, "usage_event")).toBe(1);
  expect(readFileSync(`${path}.replaced`, "utf8")).toBe("not a database any more");
});

it("what is confirmed while a database is replaced is in one file or the other", async () => {
  const target = join(folder, "copy.db");
  await backupDatabase(engine, copies, target);
  let isOver = false;
  let confirmed = 0;
  const metering = (async () => {
    while (!isOver) {
      await engine.store.meter.commit([record(`live-${confirmed}`)]);
      confirmed += 1;
      await nextTurn();
    }
  })();
  await restoreDatabase(engine, copies, target);
  await engine.store.meter.commit([record("after")]);
  isOver = true;
  await metering;
  const inOld = count(`${path}.replaced`, "usage_event") - 1;
  const inNew = count(path, "usage_event") - 1;
  expect(inOld + inNew).toBe(confirmed + 1);
  expect(inNew).toBeGreaterThan(0);
});
