import { EventEmitter } from "node:events";
import type pg from "pg";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { mostTextBytes } from "../../src/store/postgres/binary-rows.js";
import { type CopiedRows, copyIn } from "../../src/store/postgres/copy-in.js";
import { ConnectionLost, MeterClient } from "../../src/store/postgres/meter-client.js";
import { connect } from "../../src/store/postgres/open.js";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { socketUrl } from "../support/postgres-server.js";

const WAIT_MS = 5_000;
const BEGIN = { statement: { name: "begin", text: "begin" } };
const COMMIT = { statement: { name: "commit", text: "commit" } };

/** A connection to a database with one table of texts, each of which may stand there once. */
async function connected() {
  const name = await createDatabase();
  const { pool } = connect({ url: socketUrl(inject("postgres"), name), waitMs: WAIT_MS });
  onTestFinished(async () => {
    await pool.end();
    dropDatabase(name);
  });
  await pool.query("create table copied (number bigint, text text)");
  await pool.query("create unique index copied_once on copied (md5(text))");
  const rows = async (text: string) => (await pool.query(text)).rows;
  return { pool, rows, client: await MeterClient.borrow(pool, WAIT_MS) };
}

function rowsOf(texts: readonly string[], onRow = (_: number) => {}): CopiedRows {
  return {
    copy: "copy copied (number, text) from stdin (format binary)",
    count: texts.length,
    mostBytes: (row) => 14 + mostTextBytes(texts[row] as string),
    write(row, to) {
      onRow(row);
      to.row(2);
      to.integer(row);
      to.text(texts[row] as string);
    },
  };
}

const statuses = (answers: readonly PromiseSettledResult<unknown>[]) => answers.map(({ status }) => status);
const COUNT = "select count(*)::int as count from copied";

test("rows arrive as they were, however many and however long", async () => {
  const { client, rows } = await connected();
  // More than may be on their way at once; one is longer than a chunk, some end at its edge.
  const texts = Array.from({ length: 40_000 }, (_, n) => `${n} ${"é\u{1f600}".repeat(n % 40)}`);
  texts[20_000] = "long".repeat(50_000);
  await client.settle([BEGIN, rowsOf(texts), COMMIT], WAIT_MS);
  const copied = await rows("select text from copied order by number");
  expect(copied.map(({ text }) => text)).toEqual(texts);
  client.giveBack(true);
});

test("a server that turns a row down passes over those after it, and answers what is asked next", async () => {
  const { client, rows } = await connected();
  const texts = Array.from({ length: 40_000 }, (_, n) => `${n % 39_999} ${"x".repeat(100)}`);
  const answers = await client.settle([BEGIN, rowsOf(texts), rowsOf(["more"]), COMMIT], WAIT_MS);
  expect(statuses(answers)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(answers[1]).toMatchObject({ reason: { code: "23505" } });
  expect(answers[3]).toMatchObject({ value: { command: "ROLLBACK" } });
  expect(await rows(COUNT)).toEqual([{ count: 0 }]);
  expect(statuses(await client.settle([rowsOf(["a"])], WAIT_MS))).toEqual(["fulfilled"]);
  expect(await rows(COUNT)).toEqual([{ count: 1 }]);
  client.giveBack(true);
});

test("some of the rows never pass for all of them", async () => {
  const { client, rows } = await connected();
  const texts = Array.from({ length: 5_000 }, (_, n) => `${n} ${"x".repeat(100)}`);
  const broken = rowsOf(texts, (row) => {
    if (row === 4_000) throw new Error("no such row");
  });
  const answers = await client.settle([BEGIN, broken, COMMIT], WAIT_MS);
  expect(statuses(answers)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(String((answers[1] as PromiseRejectedResult).reason)).toContain("no such row");
  expect(answers[2]).toMatchObject({ value: { command: "ROLLBACK" } });
  expect(await rows(COUNT)).toEqual([{ count: 0 }]);
  client.giveBack(true);
});

test("a connection that is lost in the middle of the rows is told of", async () => {
  const { client, rows } = await connected();
  const texts = Array.from({ length: 40_000 }, (_, n) => `${n} ${"x".repeat(100)}`);
  const cut = rowsOf(texts, (row) => {
    if (row === 30_000) client.raw.connection.stream.destroy();
  });
  const answers = await client.settle([BEGIN, cut, COMMIT], WAIT_MS);
  expect(statuses(answers)).toEqual(["fulfilled", "rejected", "rejected"]);
  expect((answers[1] as PromiseRejectedResult).reason).toBeInstanceOf(ConnectionLost);
  client.giveBack(true);
  expect(await rows(COUNT)).toEqual([{ count: 0 }]);
});

test("a server that takes no more rows and says nothing is given up", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const waiting: (() => void)[] = [];
  const stream = Object.assign(new EventEmitter(), {
    destroyed: false,
    write: (_: Uint8Array, written: () => void) => waiting.push(written),
    destroy() {
      this.destroyed = true;
      for (const written of waiting) written();
    },
  });
  const connection = { stream, query() {}, endCopyFrom() {}, sendCopyFail() {} };
  const client = { query: (query: pg.Submittable) => query.submit(connection as never) };
  const texts = Array.from({ length: 40_000 }, () => "x".repeat(100));
  const { sent } = copyIn(client as never, rowsOf(texts), 11_000);
  await vi.advanceTimersByTimeAsync(10_999);
  expect(stream.destroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(stream.destroyed).toBe(true);
  await sent;
});
