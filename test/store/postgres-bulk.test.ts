import type { Pool } from "pg";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { type ColumnsEntered, ENTERED } from "../../src/domain/import-columns.js";
import { PostgresMeter } from "../../src/store/postgres/meter.js";
import { connect, openPostgres } from "../../src/store/postgres/open.js";
import { SlicePace } from "../../src/store/slice-pace.js";
import { columnsOf, type PlainRecord, plainRecord } from "../support/import-columns.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { type OnQuery, onFirstCommit, watched } from "../support/postgres-pool.js";
import { socketUrl } from "../support/postgres-server.js";
import { DAY, populate, T0 } from "../support/store.js";

const BY = { at: T0, importId: 7, book: null };

/** A database with ada and bob, and as many meters on it as a test wants, each with its own pool. */
async function metered() {
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
    dropDatabase(name);
  });
  await populate(store, "ada", "bob");
  const open = (onQuery?: OnQuery, parameters = "") => {
    const { pool, location } = connect({ url: `${url}${parameters}`, waitMs: 5_000 });
    pools.push(pool);
    const meter = new PostgresMeter({
      pool: onQuery === undefined ? pool : watched(pool, onQuery),
      location,
      waitMs: 5_000,
    });
    meters.push(meter);
    return meter;
  };
  const rows = async (text: string) => (await raw.query(text)).rows;
  /** Waits until as many transactions wait for a lock. */
  const waiting = async (count: number) => {
    for (;;) {
      const [row] = await rows("select count(*)::int as count from pg_locks where not granted");
      if (row.count >= count) return;
    }
  };
  return { name, open, rows, waiting };
}

/** Enters all, and says what became of each record. */
async function enterAll(meter: PostgresMeter, records: readonly PlainRecord[]): Promise<string[]> {
  const columns = columnsOf(records);
  const outcomes: string[] = [];
  while (outcomes.length < records.length) {
    const entered = (await meter.enterColumns(columns, outcomes.length, BY)) as ColumnsEntered;
    outcomes.push(...[...entered.outcome].map((outcome) => ENTERED[outcome]!));
  }
  return outcomes;
}

const many = (count: number, more: (n: number) => Partial<PlainRecord> = () => ({})) =>
  Array.from({ length: count }, (_, n) => plainRecord(String(n).padStart(5, "0"), more(n)));

const USED = "select coalesce(sum(requests), 0)::int as requests from usage_day";

test("of two who bring the same records at once each record counts once", async () => {
  const { open, rows } = await metered();
  const records = many(4_000, (n) => ({ user: n % 2 ? "ada" : "bob" }));
  // Nobody waits for a user: what the one brings is the other's too, under other users.
  const others = [...records].reverse().map((record) => ({ ...record, user: "ada" }));
  const outcomes = await Promise.all([enterAll(open(), records), enterAll(open(), others)]);
  expect(outcomes.flat().filter((outcome) => outcome === "inserted")).toHaveLength(4_000);
  expect(await rows("select count(*)::int as count from event_key")).toEqual([{ count: 4_000 }]);
  expect(await rows("select count(*)::int as count from usage_event")).toEqual([{ count: 4_000 }]);
  expect(await rows(USED)).toEqual([{ requests: 4_000 }]);
});

test("each key names its own event, whoever takes numbers at the same time", async () => {
  const { open, rows } = await metered();
  const first = many(3_000, (n) => ({ input: n }));
  const second = many(3_000, (n) => ({ id: `other-${n}`, user: "bob", input: n })).reverse();
  await Promise.all([enterAll(open(), first), enterAll(open(), second)]);
  const wrong = `select event_key.id, input from event_key left join usage_event on usage_event.id = event_id
    where input is distinct from regexp_replace(event_key.id, 'other-', '')::bigint`;
  expect(await rows(wrong)).toEqual([]);
});

test("a slice whose connection is lost before it commits is entered again, and counts once", async () => {
  const { open, rows } = await metered();
  const meter = open(
    onFirstCommit((_, send, client) => {
      client.connection.stream.destroy();
      return send();
    }),
  );
  expect(await enterAll(meter, many(3))).toEqual(["inserted", "inserted", "inserted"]);
  expect(await rows(USED)).toEqual([{ requests: 3 }]);
});

test("a slice whose connection is lost among its rows is entered again, and counts once", async () => {
  const { open, rows } = await metered();
  let isNumbered = false;
  let isWhole = true;
  const meter = open((name, send, client) => {
    const sent = send();
    isNumbered ||= name === "alpha_event_numbers";
    // Once they have numbers, only rows are sent without a name.
    if (isNumbered && isWhole && name === undefined) {
      isWhole = false;
      client.connection.stream.destroy();
    }
    return sent;
  });
  const outcomes = await enterAll(meter, many(3_000));
  expect(isWhole).toBe(false);
  expect(new Set(outcomes)).toEqual(new Set(["inserted"]));
  expect(await rows("select count(*)::int as count from event_key")).toEqual([{ count: 3_000 }]);
  expect(await rows("select count(*)::int as count from usage_event")).toEqual([{ count: 3_000 }]);
  expect(await rows(USED)).toEqual([{ requests: 3_000 }]);
});

test("a slice whose commit is not answered is found to have committed", async () => {
  const { open, rows } = await metered();
  const meter = open(
    onFirstCommit(async (_, send, client) => {
      await send();
      client.connection.stream.destroy();
      throw new Error("Connection terminated unexpectedly");
    }),
  );
  expect(await enterAll(meter, many(3))).toEqual(["inserted", "inserted", "inserted"]);
  expect(await rows(USED)).toEqual([{ requests: 3 }]);
});

test("slices are short once somebody waits for one", async () => {
  const { name, open, waiting } = await metered();
  const contended = vi.spyOn(SlicePace.prototype, "contended");
  onTestFinished(() => contended.mockRestore());
  const product = await connectRaw(name);
  let locked: Promise<unknown> | undefined;
  const meter = open(async (statement, send) => {
    if (statement === "alpha_event_numbers" && locked === undefined) {
      locked = product.query("select from users where key = 'ada' for update");
      await waiting(1);
    }
    return send();
  });
  await enterAll(meter, many(3));
  await locked;
  expect(contended).toHaveBeenCalledTimes(1);
  await enterAll(meter, [plainRecord("again")]);
  expect(contended).toHaveBeenCalledTimes(1);
  await product.end();
});

test("an import waits for whoever has a user locked, and says for how long", async () => {
  const { name, open, waiting } = await metered();
  const product = await connectRaw(name);
  await product.query("begin");
  await product.query("select from users where key = 'ada' for update");
  const entering = open().enterColumns(columnsOf(many(3)), 0, BY);
  await waiting(1);
  const now = "select (1000 * extract(epoch from clock_timestamp()))::bigint as ms";
  const [since, until] = [await product.query(now), await product.query(now)];
  await product.query("commit");
  expect(await entering).toMatchObject({ to: 3, inserted: { count: 3 } });
  expect((await entering)?.waited).toBeGreaterThanOrEqual(until.rows[0].ms - since.rows[0].ms - 1);
  await product.end();
});

test("months are made for the usage that comes, before it does", async () => {
  const { open, rows } = await metered();
  // 22 November and, 40 days before, 13 October 2026.
  await enterAll(open(), [plainRecord("a"), plainRecord("b", { occurredAt: T0 - 40 * DAY })]);
  expect(await rows("select tableoid::regclass::text as part from usage_event order by 1")).toEqual([
    { part: "usage_event_2026_10" },
    { part: "usage_event_2026_11" },
  ]);
});

test("records go in columns where no statement may be kept prepared", async () => {
  const { open, rows } = await metered();
  const meter = open(undefined, "&prepared_statements=0");
  expect(await enterAll(meter, [plainRecord("é\u{1f600}"), plainRecord("z")])).toEqual([
    "inserted",
    "inserted",
  ]);
  expect(await rows("select id from event_key order by id")).toEqual([{ id: "z" }, { id: "é\u{1f600}" }]);
});
