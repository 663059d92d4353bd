import { expect, test } from "vitest";
import { CHECKS } from "../../src/domain/doctor.js";
import type { DatabaseHealth } from "../../src/domain/doctor-database.js";
import { calendar } from "../../src/domain/window.js";
import { type DoctorOptions, examine } from "../../src/engine/doctor.js";
import { setGuardrails } from "../../src/engine/guardrails.js";
import { initialise } from "../../src/engine/init.js";
import type { Store } from "../../src/engine/ports.js";
import { addUsers } from "../../src/engine/users.js";
import { AlphaError } from "../../src/errors.js";
import { engineOn } from "../support/engine-on.js";
import { change, DAY, HOUR, MINUTE, record, reserve, T0 } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const SERVER: DatabaseHealth = { kind: "postgres", unsafe: [], connections: 1, maxConnections: 100 };
const FACTS = { kind: "postgres", version: "17.2", applied: [], pending: [] } as const;

/** What is kept of a month is of no matter here. */
const NO_SEALED_SUMS = { events: 0, requests: 0n, tokens: 0n, images: 0n, cost: 0n, assumed: 0n };

const OF_FILES = ["access", "wal", "disk", "pages"];

everyStore((fresh) => {
  /** A database that was made at noon and is fine, and what is found in it at an instant. */
  async function made() {
    const database = await fresh();
    const engine = engineOn(database.store);
    await initialise(engine, { timeZone: "UTC" });
    await addUsers(engine, [{ id: "ada" }, { id: "bob" }]);
    await setGuardrails(engine, { limits: [{ meter: "cost", period: "day", limit: 25_000_000_000 }] });
    const client = { kind: "library", host: "web-1", pid: 7, failOpen: false, openedAt: T0 } as const;
    await database.store.write((tx) => tx.records.noteClient(client));
    const found = (options?: DoctorOptions, store: Store = database.store) =>
      examine(
        {
          inspect: async () => FACTS,
          look: async () => SERVER,
          engine: async () => ({ ...engine, store, now: () => engine.at }),
        },
        options,
      );
    const wrong = async (options?: DoctorOptions) =>
      (await found(options)).findings
        .filter(({ level }) => level === "warning" || level === "problem")
        .map(({ check, level, message }) => `${level} ${check}: ${message}`);
    return { ...database, engine, found, wrong };
  }

  test("a database that is fine: every check that it can have was made", async () => {
    const { found, store } = await made();
    await store.meter.commit([record("1", { user: "ada", cost: 5 }, T0)]);
    const { findings, opened } = await found();
    expect(opened).toBe(true);
    expect(new Set(findings.map(({ level }) => level))).toEqual(new Set(["ok"]));
    expect(findings.map(({ check }) => check)).toEqual(CHECKS.filter((check) => !OF_FILES.includes(check)));
  });

  test("usage of a sealed month, which nothing can price any more, is not warned of", async () => {
    const { store, engine, wrong } = await made();
    const october = T0 - 30 * DAY;
    await store.meter.commit([
      record("1", { user: "ada", cost: null, occurredAt: october }, T0),
      record("2", { user: "ada", cost: 1 }, T0),
    ]);
    const said = async () => (await wrong()).filter((each) => each.includes(" prices: "));
    expect(await said()).toHaveLength(1);
    const month = calendar("UTC").monthOf(october);
    await store.write((tx) =>
      tx.sealing.seal({ month, sealedAt: engine.at, actor: "olga", ...NO_SEALED_SUMS }),
    );
    expect(await said()).toEqual([]);
  });

  test("everything at once", async () => {
    const { store, engine, wrong, insert } = await made();
    await store.write(async ({ records }) => {
      await records.noteClient({ kind: "library", host: "web-1", pid: 8, failOpen: true, openedAt: T0 });
      const start = { at: T0, actor: "olga", file: "a.jsonl", format: "litellm", options: "{}" };
      await records.startImport(start);
    });
    // Imported and metered live in one hour, and without a price.
    await store.meter.commit([
      record("1", { user: "ada", cost: 5 }, T0),
      record("2", { user: "ada", model: "m-1", cost: null, importId: 1 }, T0),
    ]);
    const holds = ["r_1", "r_2", "r_3"].map((id) => reserve(id, { tokens: 1, cost: 1 }, "bob", T0));
    await store.meter.commit(holds);
    await change(store, async ({ emergency }) => {
      const everything = { userId: null, tier: null, provider: null, model: null, feature: null };
      await emergency.start(
        { action: "stop", ...everything, reason: null, actor: "olga", until: null },
        T0 + DAY,
      );
    });
    // A total of nothing that is in the ledger.
    const window = { user_id: 2, period: "day", window_index: 20_000 };
    await insert("usage_window", { ...window, tokens: 5, images: 0, requests: 0, cost: 0 });
    engine.at = T0 + 2 * DAY;
    expect(await wrong()).toEqual([
      "warning reset: the daily reset is overdue by 2 days: it has never run",
      "problem stops: every call is stopped by olga since 2026-11-23T12:00:00Z",
      "warning prices: 1 call of this month and the last without a price, assumed to cost $0.0015: m-1",
      "warning products: the product on web-1 (opened 2026-11-22T12:00:00Z) fails open: while the database cannot be reached, it lets calls through unmetered",
      "warning holds: calls are reserved and never settled: 3 reservations of bob expired",
      "warning imports: 1 import did not come to the end: a.jsonl (1)",
      "warning sources: two sources cover the same hours, and may have counted the same calls twice: ada (1 hour, litellm and live)",
      "problem totals: 1 difference between totals and what 2 rows of the ledger add up to",
    ]);
    expect(await wrong({ quick: true })).toHaveLength(6);
  });

  test("an import that has just begun, or whose file came whole later, is no finding", async () => {
    const { store, engine, wrong } = await made();
    const start = (at: number, file: string) =>
      store.write(({ records }) =>
        records.startImport({ at, actor: "olga", file, format: "alpha", options: "{}" }),
      );
    await start(T0, "a.jsonl");
    const whole = await start(T0 + MINUTE, "a.jsonl");
    const tally = { inserted: 0, superseded: 0, duplicate: 0, rejected: 0, skipped: 0 };
    await store.write(({ records }) => records.finishImport(whole, { at: T0 + MINUTE, ...tally }));
    await start(T0 + 2 * HOUR, "b.jsonl");
    engine.at = T0 + 2 * HOUR + MINUTE;
    expect(await wrong()).toEqual([]);
    engine.at = T0 + 4 * HOUR;
    expect(await wrong()).toEqual(["warning imports: 1 import did not come to the end: b.jsonl (3)"]);
  });

  test("a clock that is behind what was recorded", async () => {
    const { store, engine, wrong } = await made();
    await store.meter.commit([record("1", { user: "ada", cost: 5 }, T0 + HOUR)]);
    engine.at = T0 + HOUR - MINUTE;
    expect(await wrong()).toEqual([]);
    engine.at -= 1;
    expect(await wrong()).toEqual([expect.stringMatching(/^problem clock: /)]);
  });

  test("a ledger that is too long to add up is said to be", async () => {
    const { store, found } = await made();
    const events = ["1", "2", "3"].map((id) => record(id, { user: "ada", cost: 5 }, T0));
    await store.meter.commit(events);
    const { findings } = await found({ mostRows: 2 });
    expect(findings.filter(({ level }) => level === "skipped")).toEqual([
      expect.objectContaining({ check: "sources" }),
      {
        check: "totals",
        level: "skipped",
        message: "the ledger is long (3 rows): alpha db verify adds it up",
        remedy: null,
      },
    ]);
  });

  test("a time zone that this machine does not know ends it there", async () => {
    const { store, found } = await made();
    await change(store, (tx) => tx.settings.set("time_zone", "Mars/Olympus", T0));
    const { findings, opened } = await found();
    expect(opened).toBe(true);
    expect(findings.filter(({ level }) => level === "problem")).toMatchObject([{ check: "zone" }]);
    expect(findings.find(({ check }) => check === "reset")).toMatchObject({
      level: "skipped",
      message: "the time zone is unknown",
    });
  });

  test("what cannot be written, or is lost while it is read, is a finding", async () => {
    const { store, found } = await made();
    const away = new AlphaError("database", "it is away", { hint: "bring it back" });
    const unwritable: Store = Object.assign(Object.create(store), {
      read: store.read.bind(store),
      write: () => Promise.reject(away),
    });
    const readOnly = await found({}, unwritable);
    expect(readOnly.opened).toBe(true);
    expect(readOnly.findings.filter(({ level }) => level !== "ok")).toEqual([
      { check: "writable", level: "problem", message: "it is away", remedy: "bring it back" },
    ]);
    const lost = await found(
      {},
      Object.assign(Object.create(store), {
        write: store.write.bind(store),
        read: () => Promise.reject(away),
      }),
    );
    expect(lost.opened).toBe(false);
    expect(lost.findings[0]).toEqual({
      check: "database",
      level: "problem",
      message: "it is away",
      remedy: "bring it back",
    });
    expect(lost.findings.filter(({ check }) => check === "database")).toHaveLength(1);
  });
});

test("what nobody foresaw is not taken for a finding", async () => {
  const broken = () => Promise.reject(new TypeError("undefined is not a function"));
  await expect(examine({ inspect: broken, look: broken, engine: broken })).rejects.toThrow(TypeError);
});
