import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PriceBook } from "../../src/domain/price-book.js";
import { totalTokens } from "../../src/domain/usage.js";
import type { Engine } from "../../src/engine/engine.js";
import { type ImportOptions, importUsage } from "../../src/engine/ingest.js";
import type { LoggedUsage, UsageLog } from "../../src/engine/usage-log.js";
import { AlphaError } from "../../src/errors.js";
import { batch, logged, logOf } from "../support/logs.js";
import { DAY, openFreshSqlite, populate, type Row, T0, type TestDatabase } from "../support/store.js";

/** One nano a token; knows the model `known` alone. */
const PRICES: PriceBook = {
  name: "test",
  version: "1",
  describe: () => null,
  rates: ({ model }) =>
    model === "known"
      ? { input: 1e6, cacheRead: 1e6, cacheWrite: 1e6, output: 1e6, image: null, request: null }
      : null,
  dearest: () => null,
};

let database: TestDatabase;
let loaded: number;

beforeEach(async () => {
  database = await openFreshSqlite();
  loaded = 0;
  await populate(database.store, "ada", "ben", "cleo");
});
afterEach(() => database.drop());

function engineOn({ store }: TestDatabase): Engine {
  let made = 0;
  const id = () => `made-${++made}`;
  return {
    store,
    now: () => T0,
    ids: { event: id, reservation: id, user: id },
    actor: "olga",
    prices: async () => {
      loaded += 1;
      return PRICES;
    },
  };
}

function run(logs: readonly UsageLog[], options: ImportOptions = {}, on = database) {
  return importUsage(engineOn(on), logs, options);
}

/** Everything that totals and identities say; not the numbers of rows, which depend on the order. */
async function contents(of: TestDatabase) {
  const kinds = new Map((await of.rows("call_kind")).map(({ id, ...kind }) => [id, JSON.stringify(kind)]));
  const sorted = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).sort();
  return {
    windows: sorted(await of.rows("usage_window")),
    days: sorted(
      (await of.rows("usage_day")).map((row) => ({ ...row, call_kind_id: kinds.get(row.call_kind_id) })),
    ),
    keys: sorted((await of.rows("event_key")).map(({ id, hash }) => ({ id, hash }))),
  };
}

const arbitraryRecord = fc.record({
  user: fc.constantFrom("ada", "ben", "cleo"),
  model: fc.constantFrom("known", "unknown"),
  feature: fc.constantFrom("", "blog_writer"),
  occurredAt: fc.integer({ min: T0 - 60 * DAY, max: T0 }),
  input: fc.integer({ min: 0, max: 5000 }),
  cacheRead: fc.integer({ min: 0, max: 50 }),
  output: fc.integer({ min: 0, max: 5000 }),
  images: fc.integer({ min: 0, max: 3 }),
  cost: fc.option(fc.integer({ min: 1, max: 1e9 })),
});
const arbitraryLog = fc
  .array(arbitraryRecord, { minLength: 1, maxLength: 40 })
  .map((drafts) => drafts.map((draft, index) => logged(`e${index}`, draft)));

async function onFresh<T>(work: (fresh: TestDatabase) => Promise<T>): Promise<T> {
  const fresh = await openFreshSqlite();
  try {
    await populate(fresh.store, "ada", "ben", "cleo");
    return await work(fresh);
  } finally {
    await fresh.drop();
  }
}

const contentsAfter = (...imports: (readonly UsageLog[])[]) =>
  onFresh(async (fresh) => {
    for (const logs of imports) await run(logs, {}, fresh);
    return contents(fresh);
  });

describe("what an import leaves in the ledger", () => {
  it("is the same for a log imported twice, in pieces, with overlap, or in another order", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryLog,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 40 }),
        async (records, size, cut) => {
          const once = await contentsAfter([logOf(records)]);
          const first = logOf(records.slice(0, cut));
          const rest = logOf(records.slice(cut));
          expect(await contentsAfter([logOf(records, { size })], [logOf(records)])).toEqual(once);
          expect(await contentsAfter([first], [rest])).toEqual(once);
          expect(await contentsAfter([rest, first])).toEqual(once);
          expect(await contentsAfter([first, logOf(records.slice(Math.floor(cut / 2)))])).toEqual(once);
        },
      ),
      { numRuns: 15 },
    );
  });

  it("sums up to what the records say, added up another way", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, (records) =>
        onFresh(async (fresh) => {
          const { total } = await run([logOf(records)], {}, fresh);
          const days = await fresh.rows("usage_day");
          const sum = (column: string) => days.reduce((total, row) => total + Number(row[column]), 0);
          const drafts = records.map(({ draft }) => draft);
          const of = (pick: (draft: LoggedUsage["draft"]) => number) =>
            drafts.reduce((total, draft) => total + pick(draft), 0);
          const priced = (draft: LoggedUsage["draft"]) =>
            draft.cost ?? (draft.model === "known" && draft.images === 0 ? totalTokens(draft) : 0);

          expect(sum("input")).toBe(of(({ input }) => input));
          expect(sum("output")).toBe(of(({ output }) => output));
          expect(sum("images")).toBe(of(({ images }) => images));
          expect(sum("requests")).toBe(records.length);
          expect(sum("cost")).toBe(of(priced));
          expect(total).toMatchObject({
            inserted: records.length,
            input: BigInt(of(({ input, cacheRead }) => input + cacheRead)),
            output: BigInt(sum("output")),
            images: BigInt(sum("images")),
            cost: BigInt(sum("cost")),
            assumed: BigInt(sum("assumed")),
            unpriced: sum("unpriced"),
          });
        }),
      ),
      { numRuns: 15 },
    );
  });
});

describe("a record that sums up several calls", () => {
  it("counts so many requests, and is the same record only with the same number", async () => {
    const sum = (id: string, requests: number) => logged(id, { requests });
    await run([logOf([sum("day", 5), logged("call")])]);
    const requests = async (table: "usage_window" | "usage_day") =>
      (await database.rows(table)).map((row) => row.requests);
    expect(await requests("usage_window")).toEqual([6, 6]);
    expect(await requests("usage_day")).toEqual([6]);
    const again = await run([logOf([sum("day", 5)])]);
    expect(again.total).toMatchObject({ duplicate: 1, conflict: 0 });
    const other = await run([logOf([sum("day", 6)])]);
    expect(other.total).toMatchObject({ duplicate: 0, conflict: 1 });
  });
});

describe("the price of a record", () => {
  it("is the stated cost, else the book's, else assumed", async () => {
    const { total } = await run([
      logOf([logged("a", { cost: 7 }), logged("b"), logged("c", { model: "unknown", input: 995 })]),
    ]);
    // 1,000 tokens at the planning rate of $0.10 per 1,000.
    expect(total).toMatchObject({ cost: 7n + 15n, assumed: 100_000_000n, unpriced: 1 });
    expect((await database.rows("usage_event")).map((row) => row.priced_by)).toEqual(["log", "book", "none"]);
  });

  it("loads the price book once, and only when something has to be priced", async () => {
    await run([logOf([logged("a", { cost: 7 }), logged("b", { model: "" })])]);
    expect(loaded).toBe(0);
    await run([logOf([logged("c"), logged("d")], { size: 1 })]);
    expect(loaded).toBe(1);
  });
});

describe("whose a record is", () => {
  it("is the given user's, whatever the record says", async () => {
    await run([logOf([logged("a", { user: "nobody" }), logged("b", { user: null })])], { user: "ben" });
    const [, ben] = await database.store.read((tx) => tx.users.list());
    expect((await database.rows("usage_event")).map((row) => row.user_id)).toEqual([ben?.id, ben?.id]);
  });

  it("refuses a given user who is unknown before anything is read", async () => {
    const unread: UsageLog = {
      name: "a",
      bytes: 0,
      read: () => {
        throw new Error("was read");
      },
    };
    await expect(run([unread], { user: "adda" })).rejects.toMatchObject({
      code: "not-found",
      message: 'no user "adda"; did you mean ada?',
    });
  });

  it("names each unknown user once, with the number of their records", async () => {
    const users = ["x", "ada", "y", "x", null, "x"];
    const { logs } = await run([logOf(users.map((user, index) => logged(`e${index}`, { user })))]);
    expect([...(logs[0]?.unknownUsers ?? [])]).toEqual([
      ["x", 3],
      ["y", 1],
    ]);
    expect(logs[0]?.counts).toMatchObject({ records: 6, inserted: 1, rejected: 5 });
  });
});

describe("rejects", () => {
  it("are told in the order of the lines, with what reading refused among them", async () => {
    const told: (readonly [number, string | null])[] = [];
    const at = (line: number) => ({ record: { line, raw: "{}" } });
    const records = [
      logged("a", { user: null }, at(2)),
      logged("b", {}, at(3)),
      logged("c", { user: "x" }, at(5)),
    ];
    const rejects = [
      {
        file: "a",
        line: 4,
        field: "images",
        reason: "is negative",
        identity: null,
        format: "alpha",
        raw: "{}",
      },
    ];
    const log: UsageLog = {
      name: "a",
      bytes: null,
      async *read() {
        yield batch(records, { rejects, skipped: [{ reason: "is an aggregate" }] });
      },
    };
    const { total } = await run([log], { onReject: ({ line, field }) => told.push([line, field]) });
    expect(told).toEqual([
      [2, "user"],
      [4, "images"],
      [5, "user"],
    ]);
    expect(total).toMatchObject({ records: 5, inserted: 1, rejected: 3, skipped: 1 });
  });

  it("hold a record whose id is in the ledger with other content", async () => {
    const { logs, total } = await run([logOf([logged("a"), logged("a"), logged("a", { output: 6 })])]);
    expect(total).toMatchObject({ inserted: 1, duplicate: 1, conflict: 1, rejected: 0 });
    expect(logs[0]?.rejects[0]).toMatchObject({
      field: "id",
      reason: 'is in the ledger already with other content: "a"',
    });
  });

  it("do not take the records beside them down", async () => {
    const dear = logged("dear", { input: Number.MAX_SAFE_INTEGER - 5, output: 0, model: "unknown" });
    const { total, logs } = await run([logOf([logged("a"), dear, logged("b"), logged("c")])]);
    expect(total).toMatchObject({ inserted: 3, rejected: 1 });
    expect(logs[0]?.rejects[0]?.reason).toContain("more than $9 million");
  });

  it("leave no trace of a log that has nothing else", async () => {
    const known = logged("a");
    await run([logOf([known])]);
    const before = await Promise.all(
      ["import", "audit_entry", "usage_event"].map((table) => database.rows(table)),
    );
    const { logs, total } = await run([
      logOf([logged("b", { user: "x" }), logged("a", { output: 9 })], { name: "bad.jsonl", size: 1 }),
    ]);
    expect(total).toMatchObject({ inserted: 0, rejected: 1, conflict: 1 });
    expect(logs[0]).toMatchObject({ number: null, error: { code: "failed" } });
    expect(logs[0]?.error?.message).toBe(
      'None of the 2 records of bad.jsonl can be counted (line 1: user is unknown: "x").',
    );
    const after = await Promise.all(
      ["import", "audit_entry", "usage_event"].map((table) => database.rows(table)),
    );
    expect(after).toEqual(before);
  });
});

describe("a dry run", () => {
  it("says what the import then does, and changes nothing", async () => {
    const manyFates = fc.array(
      fc.record({
        id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
        user: fc.constantFrom("ada", "ben", "x", null),
        output: fc.integer({ min: 1, max: 2 }),
        providerId: fc.constantFrom(null, "p1", "p2"),
        model: fc.constantFrom("known", "unknown"),
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(manyFates, manyFates, fc.integer({ min: 1, max: 5 }), (before, drafts, size) =>
        onFresh(async (fresh) => {
          const records = (all: typeof drafts) => all.map(({ id, ...draft }) => logged(id, draft));
          const log = () => logOf(records(drafts), { size });
          await run([logOf(records(before))], {}, fresh);
          const untouched = await contents(fresh);
          const tried = await run([log(), log()], { dryRun: true }, fresh);
          expect(await contents(fresh)).toEqual(untouched);
          const done = await run([log(), log()], {}, fresh);
          expect(tried.total).toEqual(done.total);
        }),
      ),
      { numRuns: 25 },
    );
  });

  it("leaves no import and no audit entry", async () => {
    const audited = (await database.rows("audit_entry")).length;
    const { logs } = await run([logOf([logged("a")])], { dryRun: true });
    expect(logs[0]).toMatchObject({ number: null, error: null });
    expect(await database.rows("import")).toEqual([]);
    expect(await database.rows("audit_entry")).toHaveLength(audited);
  });
});

describe("an import that is stopped", () => {
  const records = Array.from({ length: 30 }, (_, index) => logged(`e${index}`));

  it("keeps what was committed, and the next one continues", async () => {
    const interrupt = new AbortController();
    const stopped = await run([logOf(records, { size: 10 }), logOf(records, { name: "never" })], {
      signal: interrupt.signal,
      progress: { report: ({ records }) => (records ?? 0) >= 20 && interrupt.abort() },
    });
    expect(stopped).toMatchObject({ interrupted: true, total: { inserted: 20 } });
    expect(stopped.logs.map(({ file, error }) => [file, error?.code])).toEqual([["a.jsonl", "interrupted"]]);
    expect(await database.rows("import")).toMatchObject([{ inserted: 20, finished_at: null }]);

    const { total } = await run([logOf(records)]);
    expect(total).toMatchObject({ inserted: 10, duplicate: 20 });
    expect(await contents(database)).toEqual(await contentsAfter([logOf(records)]));
  });

  it("does not wait for the end of what was read at once", async () => {
    const interrupt = new AbortController();
    const many = Array.from({ length: 1000 }, (_, index) => logged(`e${index}`));
    const { total } = await run([logOf(many, { size: 1000 })], {
      signal: interrupt.signal,
      progress: { report: () => interrupt.abort() },
    });
    expect(total.inserted).toBeGreaterThan(0);
    expect(total.inserted).toBeLessThan(1000);
    expect(await database.rows("usage_event")).toHaveLength(total.inserted);
  });

  it("keeps what came before a log that cannot be read on, and goes on with the next log", async () => {
    const damaged = logOf(records.slice(0, 10), {
      end: async () => {
        throw new AlphaError("failed", "a.jsonl is damaged.");
      },
    });
    const { logs, total, interrupted } = await run([damaged, logOf(records.slice(10), { name: "b.jsonl" })]);
    expect(logs.map(({ error }) => error?.message ?? null)).toEqual(["a.jsonl is damaged.", null]);
    expect({ interrupted, inserted: total.inserted }).toEqual({ interrupted: false, inserted: 30 });
    expect((await database.rows("import")).map((row) => row.finished_at)).toEqual([null, T0]);
  });

  it("does not go on with the next log when it is the database that failed", async () => {
    const broken = engineOn(database);
    const error = new AlphaError("database", "the database is locked");
    const meter = { ...broken.store.meter, preview: () => Promise.reject(error) };
    const store = { ...broken.store, meter, read: broken.store.read.bind(broken.store) };
    const { logs } = await importUsage({ ...broken, store }, [logOf(records), logOf(records)]);
    expect(logs.map((log) => log.error)).toEqual([error]);
  });
});

it("writes one import and one audit entry for each log", async () => {
  const { logs } = await run(
    [logOf([logged("a"), logged("b", { user: "x" })]), logOf([logged("a")], { name: "b.jsonl" })],
    {
      readAs: { format: "alpha" },
    },
  );
  expect(logs.map(({ number }) => number)).toEqual([1, 2]);
  expect(await database.rows("import")).toMatchObject([
    { file: "a.jsonl", actor: "olga", inserted: 1, duplicate: 0, rejected: 1, options: '{"format":"alpha"}' },
    { file: "b.jsonl", inserted: 0, duplicate: 1, rejected: 0, started_at: T0, finished_at: T0 },
  ]);
  const audit = await database.store.read((tx) => tx.records.audit({ limit: 2 }));
  expect(audit.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
    "usage.import import:2",
    "usage.import import:1",
  ]);
  expect((await database.rows("usage_event")).map((row) => row.import_id)).toEqual([1]);
});

it("reports progress over all logs", async () => {
  const reports: unknown[] = [];
  await run([logOf([logged("a")]), logOf([logged("b", { user: "x" }), logged("c")])], {
    progress: { report: (state) => reports.push(state) },
  });
  expect(reports).toEqual([
    { done: 500, total: 2000, records: 1, rejected: 0 },
    { done: 1500, total: 2000, records: 3, rejected: 1 },
  ]);
});
