import { expect, test } from "vitest";
import type { AuditFilter } from "../../src/engine/ports/audit.js";
import { auditEntry, DAY, HOUR, MINUTE, populate, reserve, T0, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

everyStore((fresh) => {
  test("audit entries are read newest first, as written, by subject and up to a limit", async () => {
    const { store } = await fresh();
    const first = auditEntry({
      subject: "user:ada",
      before: { tier: "free" },
      after: { tier: ["pro", 1, null] },
    });
    const second = auditEntry({ at: T0 + 1, actor: "root", reason: 'said "no"; drop table', before: "text" });
    const third = auditEntry({ at: T0 + 2, subject: "user:ada", after: 0, before: false });
    await store.write(async ({ records }) => {
      for (const entry of [first, second, third]) await records.audited(entry);
    });
    await store.read(async ({ records }) => {
      expect(await records.audit({ limit: 10 })).toMatchObject([third, second, first]);
      expect(await records.audit({ limit: 2 })).toMatchObject([third, second]);
      expect(await records.audit({ limit: 10, subject: "user:ada" })).toMatchObject([third, first]);
      expect(await records.audit({ limit: 10, subject: "user:bob" })).toEqual([]);
    });
  });

  test("audit entries are found by number, actor, action, subject and time, and page by page", async () => {
    const { store } = await fresh();
    const entries = [
      auditEntry({ actor: "olga", action: "tiers.set", subject: "tier:free" }),
      auditEntry({ actor: "cron", action: "reset.daily", subject: "day:2026-11-21", at: T0 + 1 }),
      auditEntry({ actor: "olga", action: "tiers.set", subject: "tier:free-2", at: T0 + 2 }),
      auditEntry({ actor: "olga", action: "undo", subject: "audit:1", at: T0 + 3 }),
      auditEntry({ actor: "olga", action: "tiers.add", subject: "tiers:_", at: T0 + 4 }),
    ];
    const ids = await store.write(async ({ records }) => {
      const numbers: number[] = [];
      for (const entry of entries) numbers.push(await records.audited(entry));
      return numbers;
    });
    expect([...new Set(ids)].sort((a, b) => a - b)).toEqual(ids);
    const found = (filter: AuditFilter) =>
      store.read(async (tx) => (await tx.records.audit(filter)).map(({ id }) => ids.indexOf(id)));
    expect(await found({})).toEqual([4, 3, 2, 1, 0]);
    expect(await found({ id: ids[2]! })).toEqual([2]);
    expect(await found({ actor: "cron" })).toEqual([1]);
    expect(await found({ subject: "tier:free" })).toEqual([0]);
    expect(await found({ subject: "tier" })).toEqual([2, 0]);
    expect(await found({ action: "tiers.set" })).toEqual([2, 0]);
    expect(await found({ action: "tiers" })).toEqual([4, 2, 0]);
    expect(await found({ action: "tiers_set" })).toEqual([]);
    expect(await found({ subject: "%" })).toEqual([]);
    expect(await found({ actions: ["undo", "reset.daily"] })).toEqual([3, 1]);
    expect(await found({ since: T0 + 1, until: T0 + 3 })).toEqual([2, 1]);
    expect(await found({ before: ids[3]!, limit: 2 })).toEqual([2, 1]);
    expect(await found({ actor: "olga", action: "tiers", until: T0 + 2 })).toEqual([0]);
  });

  test("the database was created with its first audit entry", async () => {
    const { store } = await fresh();
    expect(await store.read((tx) => tx.records.createdAt())).toBeNull();
    await store.write(async ({ records }) => {
      await records.audited(auditEntry({ at: T0 + 7 }));
      await records.audited(auditEntry({ at: T0 }));
    });
    expect(await store.read((tx) => tx.records.createdAt())).toBe(T0 + 7);
  });

  test("an audit entry moves the generation, once each, and not when it is rolled back", async () => {
    const { store, rows } = await fresh();
    const generation = async () => Number((await rows("generation"))[0]!.config);
    const before = await generation();
    await store.write((tx) => tx.records.audited(auditEntry()));
    expect(await generation()).toBe(before + 1);
    await store.write((tx) => tx.records.audited(auditEntry()), { dryRun: true });
    expect(await generation()).toBe(before + 1);
    expect(await rows("generation")).toHaveLength(1);
  });

  test("a lease is taken, refused to others, kept for its holder, and given back", async () => {
    const { store, open } = await fresh();
    const other = await open();
    const take = (which: typeof store, holder: string, at: number, until: number) =>
      which.write((tx) => tx.records.takeLease("reset", holder, at, until));
    expect(await take(store, "one", T0, T0 + HOUR)).toBe(true);
    expect(await take(other, "two", T0 + 1, T0 + HOUR)).toBe(false);
    expect(await take(store, "one", T0 + 2, T0 + HOUR)).toBe(true);
    const held = { holder: "one", expiresAt: T0 + HOUR };
    expect(await other.read((tx) => tx.records.lease("reset"))).toEqual(held);
    expect(await other.read((tx) => tx.records.lease("other"))).toBeUndefined();
    await other.write((tx) => tx.records.dropLease("reset", "two"));
    expect(await take(other, "two", T0 + 3, T0 + HOUR)).toBe(false);
    await store.write((tx) => tx.records.dropLease("reset", "one"));
    expect(await take(other, "two", T0 + 4, T0 + HOUR)).toBe(true);
  });

  test("a lease runs out, exclusively", async () => {
    const { store } = await fresh();
    await store.write(async ({ records }) => {
      expect(await records.takeLease("reset", "one", T0, T0 + 10)).toBe(true);
      expect(await records.takeLease("reset", "two", T0 + 9, T0 + 50)).toBe(false);
      expect(await records.takeLease("reset", "two", T0 + 10, T0 + 50)).toBe(true);
      expect(await records.takeLease("reset", "one", T0 + 11, T0 + 50)).toBe(false);
    });
  });

  test("a holder who takes its lease again holds it for longer", async () => {
    const { store } = await fresh();
    await store.write(async ({ records }) => {
      await records.takeLease("reset", "one", T0, T0 + 10);
      await records.takeLease("reset", "one", T0 + 5, T0 + 100);
      expect(await records.takeLease("reset", "two", T0 + 50, T0 + 200)).toBe(false);
    });
  });

  test("leases of different names are apart, and of two who ask at once one gets it", async () => {
    const { store, open } = await fresh();
    const other = await open();
    const take = (which: typeof store, name: string, holder: string) =>
      which.write((tx) => tx.records.takeLease(name, holder, T0, T0 + HOUR));
    expect(await Promise.all([take(store, "a", "one"), take(other, "b", "two")])).toEqual([true, true]);
    const both = await Promise.all([take(store, "c", "one"), take(other, "c", "two")]);
    expect(both.sort()).toEqual([false, true]);
  });

  test("an import has a number, and an end only when it came to it", async () => {
    const { store, rows } = await fresh();
    const start = { at: T0, actor: "olga", file: "log.csv", format: null, options: "{}" };
    const none = { inserted: 0, superseded: 0, duplicate: 0, rejected: 0, skipped: 0 };
    const [first, second] = await store.write(async ({ records }) => [
      await records.startImport(start),
      await records.startImport({ ...start, file: "-", format: "alpha" }),
    ]);
    expect(second).not.toBe(first);
    await store.write((tx) =>
      tx.records.finishImport(second!, { ...none, at: T0 + 9, inserted: 3, duplicate: 2, rejected: 1 }),
    );
    await store.write((tx) =>
      tx.records.finishImport(first!, { ...none, at: null, inserted: 4, skipped: 5 }),
    );
    expect(await rows("import")).toMatchObject([
      { id: first, started_at: T0, finished_at: null, actor: "olga", file: "log.csv", inserted: 4 },
      { id: second, finished_at: T0 + 9, file: "-", inserted: 3, duplicate: 2, rejected: 1 },
    ]);
  });

  test("a reset is one a day; the last is that of the latest day", async () => {
    const { store } = await fresh();
    const run = {
      day: TODAY - 1,
      ranAt: T0,
      actor: "cron",
      holdsEnded: 1,
      overridesEnded: 2,
      stopsEnded: 3,
    };
    expect(await store.read((tx) => tx.records.lastReset())).toBeUndefined();
    await store.write((tx) => tx.records.saveReset(run));
    await store.write((tx) => tx.records.saveReset({ ...run, day: TODAY - 2, ranAt: T0 + 1 }));
    expect(await store.read((tx) => tx.records.lastReset())).toEqual(run);
    await expect(store.write((tx) => tx.records.saveReset(run))).rejects.toThrow();
  });

  test("what ran out is ended at the instant it ran out, and the rest is left", async () => {
    const { store, insert, rows } = await fresh();
    const [ada] = await populate(store, "ada");
    await store.meter.commit([
      reserve("old", {}, "ada", T0 - 20 * MINUTE),
      reserve("due", {}, "ada", T0 - 10 * MINUTE),
      reserve("live", {}, "ada", T0 - 10 * MINUTE + 1),
    ]);
    const override = { kind: "feature", granted: 1, valid_from: T0 - DAY, valid_to: null, user_id: ada!.id };
    await insert("override", { ...override, feature: "a", expires_at: T0 });
    await insert("override", { ...override, feature: "b", expires_at: T0 + 1 });
    await insert("override", { ...override, feature: "c", expires_at: null });
    await insert("override", { ...override, feature: "d", expires_at: T0 - 5, valid_to: T0 - 9 });
    const stop = { action: "stop", actor: "olga", valid_from: T0 - DAY, valid_to: null };
    await insert("stop", { ...stop, expires_at: T0 - HOUR });
    await insert("stop", { ...stop, expires_at: null });
    const ended = () => store.write((tx) => tx.records.endExpired(T0));
    expect(await ended()).toEqual({ holdsEnded: 2, overridesEnded: 1, stopsEnded: 1 });
    expect((await rows("hold")).map((row) => row.id)).toEqual(["live"]);
    expect((await rows("override")).map((row) => row.valid_to)).toEqual([T0, null, null, T0 - 9]);
    expect((await rows("stop")).map((row) => row.valid_to)).toEqual([T0 - HOUR, null]);
    expect(await ended()).toEqual({ holdsEnded: 0, overridesEnded: 0, stopsEnded: 0 });
  });
});
