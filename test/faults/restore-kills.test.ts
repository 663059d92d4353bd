import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { beforeAll, expect, test } from "vitest";
import { verifyTotals } from "../../src/engine/verify.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { program, type Spawn } from "../support/processes.js";
import { freshSqliteFile, HOUR, populate, record, reserve, T0, tempFolder } from "../support/store.js";

const AT_ONCE = 6;
const victims = program(new URL("children/restore-victim.ts", import.meta.url));

let spawn: Spawn;
beforeAll(async () => {
  spawn = await victims.start();
});

/** A backup with one call and one hold, and the database as it was two calls later. */
async function databases(): Promise<{ readonly now: string; readonly backup: string }> {
  const folder = tempFolder();
  const now = await freshSqliteFile(join(folder, "now.db"));
  const backup = join(folder, "backup.db");
  const filled = async (work: (store: Awaited<ReturnType<typeof openSqlite>>) => Promise<unknown>) => {
    const store = await openSqlite({ path: now, waitMs: 5_000 });
    await work(store);
    await store.close();
  };
  await filled(async (store) => {
    await populate(store, "ada");
    await store.meter.commit([record("1"), reserve("r")]);
  });
  copyFileSync(now, backup);
  await filled((store) => store.meter.commit([record("2"), record("3")]));
  return { now, backup };
}

/** Which of the two a file is; that it is whole, and its totals what its ledger adds up to, is proven on the way. */
async function whichIs(path: string): Promise<"old" | "restored"> {
  const store = await openSqlite({ path, waitMs: 5_000 });
  const raw = new Sqlite(path, { readonly: true });
  try {
    expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
    expect((await verifyTotals({ store })).differenceCount).toBe(0);
    const [events, holds, stops] = ["usage_event", "hold", "stop"].map((table) =>
      raw.prepare<[], number>(`select count(*) from ${table}`).pluck().get(),
    );
    const restored = { events: 1, holds: 0, stops: 1 };
    const old = { events: 3, holds: 1, stops: 0 };
    expect([restored, old]).toContainEqual({ events, holds, stops });
    return events === 3 ? "old" : "restored";
  } finally {
    raw.close();
    await store.close();
  }
}

/** Files beside a database, other than its log. */
function beside(path: string): string[] {
  return readdirSync(join(path, "..")).filter((name) => /\.(?:restoring|replaced)/.test(name));
}

/** Restores, killed at a step; then once more. Says what was there in between. */
async function killedAt(step: number, { now, backup }: Awaited<ReturnType<typeof databases>>) {
  const path = join(tempFolder(), "alpha.db");
  copyFileSync(now, path);
  expect(await spawn(path, backup, String(T0 + HOUR), String(step)).ended).toEqual({
    code: null,
    errors: "",
  });
  const kept = `${path}.replaced`;
  const wasMoved = !existsSync(path);
  const which = await whichIs(path);
  if (which === "restored") expect(await whichIs(kept)).toBe("old");
  else expect(existsSync(kept)).toBe(false);

  const again = spawn(path, backup, String(T0 + 2 * HOUR), "0");
  expect(await again.ended).toEqual({ code: 0, errors: "" });
  expect(again.lines[0]).toMatch(new RegExp(`^done \\d+ ${which === "restored" ? `${kept}-2` : kept}$`));
  expect(await whichIs(path)).toBe("restored");
  expect(await whichIs(kept)).toBe("old");
  expect(beside(path).filter((name) => !/\.replaced(?:-\d+)?$/.test(name))).toEqual([]);
  return wasMoved ? "put back" : which;
}

test("a restore killed at any of its steps leaves the old database or the new one, and done again ends", async () => {
  const both = await databases();
  const path = join(tempFolder(), "alpha.db");
  copyFileSync(both.now, path);
  const whole = spawn(path, both.backup, String(T0 + HOUR), "0");
  const done = await whole.line((line) => line.startsWith("done "));
  const steps = Number(done.split(" ")[1]);
  expect(steps).toBeGreaterThan(30);

  const found: string[] = [];
  for (let first = 1; first <= steps; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, steps - first + 1) }, (_, n) => first + n);
    found.push(...(await Promise.all(some.map((step) => killedAt(step, both)))));
  }
  // Each happens, in this order.
  expect([...new Set(found)]).toEqual(["old", "put back", "restored"]);
}, 120_000);

test("where a restore goes on, nobody puts anything back", async () => {
  const { now } = await databases();
  const path = join(tempFolder(), "alpha.db");
  copyFileSync(now, `${path}.replaced`);
  copyFileSync(now, `${path}.restoring-${process.pid}`);
  await expect(openSqlite({ path, waitMs: 0 })).rejects.toMatchObject({ code: "database" });
  expect(beside(path)).toEqual(["alpha.db.replaced", `alpha.db.restoring-${process.pid}`]);
});
