import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import type { Store } from "../../src/engine/ports.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { openStore } from "../../src/store/open-store.js";
import { columnsOf, plainRecord } from "../support/import-columns.js";
import { contents } from "../support/moving.js";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { socketUrl } from "../support/postgres-server.js";
import { program, type Spawn } from "../support/processes.js";
import {
  change,
  DAY,
  freshSqliteFile,
  HOUR,
  MINUTE,
  populate,
  type Row,
  record,
  reserve,
  T0,
  TODAY,
  tempFolder,
} from "../support/store.js";

const victims = program(new URL("children/prune-victim.ts", import.meta.url));
const AT_ONCE = 6;
const BEFORE = "2026-11-01";
const MONTHS = { september: Date.UTC(2026, 8, 2), october: Date.UTC(2026, 9, 2) };
/** More than one transaction lets go of, in each month. */
const CALLS = 5_500;

let spawn: Spawn;
beforeAll(async () => {
  spawn = await victims.start();
});

/** September as it was metered, October as it was imported, and two calls of November, one of them refused. */
async function fill(store: Store): Promise<void> {
  await populate(store, "ada");
  const { september, october } = MONTHS;
  for (let n = 0; n < CALLS; n += 500) {
    const calls = Array.from({ length: 500 }, (_, i) => {
      const at = september + (n + i) * MINUTE;
      return record(`s${n + i}`, { occurredAt: at, input: 1, output: 0, cost: 5 }, at);
    });
    await store.meter.commit(calls);
  }
  await store.meter.commit([reserve("late", { tokens: 5_000 }, "ada", september + 20 * DAY)]);
  const columns = columnsOf(
    Array.from({ length: CALLS }, (_, n) =>
      plainRecord(`o${String(n).padStart(5, "0")}`, { occurredAt: october + n * MINUTE, input: 2, cost: 7 }),
    ),
  );
  for (let from = 0; from < columns.count; ) {
    const entered = await store.meter.enterColumns(columns, from, { at: T0, importId: 1, book: null });
    from = entered?.to ?? Number.NaN;
  }
  await store.meter.commit([record("now"), reserve("r", { tokens: 5_000 })]);
  const ended = { holdsEnded: 0, overridesEnded: 0, stopsEnded: 0 };
  await change(store, (tx) => tx.records.saveReset({ day: TODAY - 1, ranAt: T0, actor: "cron", ...ended }));
}

async function onSqlite(): Promise<() => Promise<string>> {
  const full = await freshSqliteFile(join(tempFolder(), "full.db"));
  await filled(full);
  return async () => {
    const path = join(tempFolder(), "alpha.db");
    copyFileSync(full, path);
    return path;
  };
}

async function onPostgres(): Promise<() => Promise<string>> {
  const urlOf = (name: string) => {
    onTestFinished(() => dropDatabase(name));
    return socketUrl(inject("postgres"), name);
  };
  const full = await createDatabase();
  await filled(urlOf(full));
  return async () => urlOf(await createDatabase(full));
}

async function filled(database: string): Promise<void> {
  const store = await openStore({ database, waitMs: 5_000 });
  await fill(store);
  await store.close();
}

/** Everything that a prune leaves or takes, but for when it was; that every total is right is proven on the way. */
async function state(database: string): Promise<Readonly<Record<string, Row[]>>> {
  const store = await openStore({ database, waitMs: 5_000 });
  expect((await verifyTotals({ store })).differenceCount).toBe(0);
  await store.close();
  const { audit_entry: audit, sealed_month: sealed, generation: _, ...tables } = await contents(database);
  return {
    ...tables,
    sealed: sealed!.map(({ sealed_at: __, ...month }) => month),
    audit: audit!.map(({ id: __, at: ___, ...entry }) => entry),
  };
}

async function prune(database: string, now: number, step: number) {
  const child = spawn(database, BEFORE, String(now), String(step));
  const { code, errors } = await child.ended;
  expect(errors).toBe("");
  expect(code).toBe(step === 0 ? 0 : null);
  return { steps: Number(child.lines[0]?.split(" ")[1]), done: child.lines[0]?.replace(/^done \d+ /, "") };
}

describe.each([
  ["a file", onSqlite],
  ["a server", onPostgres],
])("on %s", (_where, full) => {
  test("a prune killed at any of its steps leaves totals that are the ledger's, and done again ends as one", async () => {
    const copy = await full();
    const begun = await copy();
    const before = await state(begun);
    const { steps, done } = await prune(begun, T0 + HOUR, 0);
    expect(JSON.parse(done!)).toEqual({ months: 2, rows: 2 * CALLS, refusedCalls: 1 });
    const pruned = await state(begun);
    expect(pruned.usage_event).toHaveLength(1);
    for (const table of ["usage_day", "usage_window", "event_key", "refusal", "alert"]) {
      expect(pruned[table], table).toEqual(before[table]);
    }

    let left = 0;
    const killedAt = async (step: number) => {
      const database = await copy();
      await prune(database, T0 + HOUR, step);
      const between = await state(database);
      if (between.sealed!.length === 0) expect(between).toEqual({ ...before, job_lease: between.job_lease });
      else expect(between).toMatchObject({ sealed: pruned.sealed, usage_day: pruned.usage_day });
      const rows = between.usage_event!.length;
      if (rows > 1 && rows < before.usage_event!.length) left += 1;
      // The lease of one that was killed runs out after five minutes.
      await prune(database, T0 + HOUR + 6 * MINUTE, 0);
      expect(await state(database)).toEqual(pruned);
    };
    for (let first = 1; first <= steps; first += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, steps - first + 1) }, (_, n) => first + n);
      await Promise.all(some.map(killedAt));
    }
    expect(left).toBeGreaterThan(3);
  }, 180_000);
});
