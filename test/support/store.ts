import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, onTestFinished } from "vitest";
import type { Entry, LedgerRequest, Operation } from "../../src/domain/ledger-model.js";
import { INITIAL_TIERS } from "../../src/domain/tier.js";
import type { User } from "../../src/domain/user.js";
import type { AuditEntry, NewUser, Store, Writing } from "../../src/engine/ports.js";
import { initSqlite } from "../../src/store/sqlite/init.js";
import { openSqlite } from "../../src/store/sqlite/open.js";

/** Sunday, 22 November 2026, 12:00 UTC. */
export const T0 = Date.UTC(2026, 10, 22, 12);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** The day of `T0` as the store numbers it, in UTC. */
export const TODAY = Math.floor(T0 / DAY);

export type Row = Record<string, unknown>;

/** A fresh, migrated database, and what a test needs beside the interface: to look at rows, and to put some. */
export interface TestDatabase {
  readonly store: Store;
  /** One more store on the same database, as another process would open it. */
  open(): Promise<Store>;
  /** Every row of a table, in the order of its first column. */
  rows(table: string): Promise<Row[]>;
  insert(table: string, row: Row): Promise<void>;
  drop(): Promise<void>;
}

export type OpenFresh = () => Promise<TestDatabase>;

/** A folder that is gone when the test is. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "alpha-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let template: Promise<string> | undefined;
let templateFolder: string | undefined;
afterAll(() => {
  if (templateFolder !== undefined) rmSync(templateFolder, { recursive: true, force: true });
});

async function makeTemplate(): Promise<string> {
  templateFolder = mkdtempSync(join(tmpdir(), "alpha-template-"));
  const path = join(templateFolder, "template.db");
  await initSqlite({ path, waitMs: 5_000 });
  return path;
}

/** Puts a fresh database at a path; migrating one takes longer than most tests, so it is done once a file. */
export async function freshSqliteFile(path: string): Promise<string> {
  template ??= makeTemplate();
  copyFileSync(await template, path);
  return path;
}

export const openFreshSqlite: OpenFresh = async () => {
  const folder = mkdtempSync(join(tmpdir(), "alpha-test-"));
  const path = await freshSqliteFile(join(folder, "alpha.db"));
  const stores: Store[] = [];
  const open = async () => {
    const store = await openSqlite({ path, waitMs: 5_000 });
    stores.push(store);
    return store;
  };
  const store = await open();
  const raw = new Sqlite(path);
  return {
    store,
    open,
    rows: async (table) => raw.prepare<[], Row>(`select * from "${table}" order by 1`).all(),
    async insert(table, row) {
      const columns = Object.keys(row);
      raw
        .prepare(
          `insert into "${table}" (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})`,
        )
        .run(...Object.values(row));
    },
    async drop() {
      raw.close();
      for (const each of stores) await each.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** An audit entry of no importance. */
export function auditEntry(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: T0,
    actor: "olga",
    action: "test.change",
    subject: "test:1",
    before: null,
    after: null,
    reason: null,
    ...change,
  };
}

/** Writes as an operator's command does: with an audit entry. */
export function change<T>(store: Store, work: (tx: Writing) => Promise<T>): Promise<T> {
  return store.write(async (tx) => {
    const result = await work(tx);
    await tx.records.audited(auditEntry());
    return result;
  });
}

export function newUser(key: string, more: Partial<NewUser> = {}): NewUser {
  return { key, email: null, name: null, aliases: [], persona: null, tier: "free", ...more };
}

/** The three tiers, and the named users on the lowest. */
export function populate(store: Store, ...keys: string[]): Promise<User[]> {
  return change(store, async (tx) => {
    for (const tier of INITIAL_TIERS) await tx.tiers.save(tier, T0 - 30 * DAY);
    const users: User[] = [];
    for (const key of keys) users.push(await tx.users.add(newUser(key), T0 - 10 * DAY));
    return users;
  });
}

export function ask(more: Partial<LedgerRequest> = {}): LedgerRequest {
  return { provider: "", model: "", feature: "", tokens: 10, images: 0, cost: 0, dearest: null, ...more };
}

export function entry(id: string, more: Partial<Entry> = {}): Entry {
  return {
    source: "test",
    id,
    hash: 1,
    providerId: null,
    user: "ada",
    occurredAt: T0,
    provider: "openai",
    model: "gpt-4o",
    feature: "blog_writer",
    input: 10,
    cacheRead: 0,
    cacheWrite: 0,
    output: 5,
    reasoning: 0,
    images: 0,
    cost: 1_000,
    rates: null,
    status: "ok",
    estimated: false,
    importId: null,
    ...more,
  };
}

export function record(id: string, more: Partial<Entry> = {}, at = T0): Operation {
  return { op: "record", entry: entry(id, more), at };
}

export function settle(id: string, more: Partial<Entry> = {}, at = T0): Operation {
  return { op: "settle", entry: entry(id, more), at };
}

export function reserve(id: string, request: Partial<LedgerRequest> = {}, user = "ada", at = T0): Operation {
  return { op: "reserve", user, id, request: ask(request), at, holdFor: null };
}
