import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { initPostgres } from "../../src/store/postgres/init.js";
import { PostgresMeter } from "../../src/store/postgres/meter.js";
import { connect as connectPool, openPostgres } from "../../src/store/postgres/open.js";
import { TYPES } from "../../src/store/postgres/types.js";
import { onFirstCommit, watched } from "../support/postgres-pool.js";
import { type PostgresServer, socketUrl, startPostgres } from "../support/postgres-server.js";
import { type Child, program } from "../support/processes.js";
import { populate, record, T0 } from "../support/store.js";
import { type Confirmed, expectRoom, expectWhole, VICTIMS } from "./children/engine-kills.js";
import { prepare } from "./children/engine-parent.js";

/** A server of this file's own: the others' would not like to be restarted. */
let server: PostgresServer;
beforeAll(async () => {
  // Nothing but a commit writes its log to the disk.
  server = await startPostgres({ wal_writer_delay: "10s", autovacuum: "off" });
});
afterAll(() => server?.stop());

let made = 0;

async function freshDatabase(): Promise<{ url: string; connect: () => Promise<pg.Client> }> {
  const name = `restarted_${++made}`;
  const connect = async (database = name) => {
    const client = new pg.Client({ connectionString: socketUrl(server, database), types: TYPES });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  const first = await connect("postgres");
  await first.query(`create database ${name}`);
  await first.end();
  const url = socketUrl(server, name);
  await initPostgres({ url, waitMs: 5_000 });
  return { url, connect };
}

const survivors = program(new URL("children/postgres-survivor.ts", import.meta.url));
const PROCESSES = 4;
const RESTARTS = ["fast", "immediate", "fast", "immediate", "immediate", "immediate"] as const;

async function progress(child: Child, lines: number): Promise<void> {
  const wanted = child.lines.length + lines;
  await child.line(() => child.lines.length >= wanted);
}

function confirmedBy(children: readonly Child[]): Confirmed {
  const said = children.flatMap(({ lines }) => lines.map((line) => line.split(" ") as [string, string]));
  const ids = (what: string) => said.filter(([first]) => first === what).map(([, id]) => id);
  return { counted: ids("counted"), held: ids("held"), repeated: [] };
}

test.each([
  { clients: "wait for it", waitMs: 20_000, notice: false },
  { clients: "do not wait", waitMs: 30, notice: true },
])(
  "a server that is restarted and crashes loses nothing that was confirmed, and clients that $clients recover",
  async ({ waitMs, notice }) => {
    const { url, connect } = await freshDatabase();
    const store = await openPostgres({ url, waitMs: 5_000 });
    await prepare(store, VICTIMS);
    await store.close();
    const spawn = await survivors.start();
    const children = Array.from({ length: PROCESSES }, (_, n) =>
      spawn(url, String(T0), `${n}-0`, String(waitMs)),
    );
    for (const mode of RESTARTS) {
      await Promise.all(children.map((child) => progress(child, 40)));
      await server.restart(mode);
    }
    await Promise.all(children.map((child) => progress(child, 40)));
    for (const child of children) child.say("enough");
    for (const { ended } of children) expect(await ended).toEqual({ code: 0, errors: "" });

    const unreachable = children.map(({ lines }) => Number(lines.at(-1)?.replace("unreachable ", "")));
    // Whoever waits long enough has noticed nothing, not even of what was being committed.
    expect(unreachable.every((times) => (notice ? times > 0 : times === 0))).toBe(true);
    const raw = await connect();
    onTestFinished(() => raw.end());
    await expectWhole(async (text) => (await raw.query(text)).rows, confirmedBy(children));
    await expectRoom(url);
  },
  120_000,
);

test.each([
  { number: "was given to another since", isGiven: true },
  { number: "was not given again yet", isGiven: false },
])(
  "a batch that a crash took away is not believed to be saved when its transaction's number $number",
  async ({ isGiven }) => {
    const { url, connect } = await freshDatabase();
    const store = await openPostgres({ url, waitMs: 5_000 });
    await populate(store, "ada");
    await store.close();
    const { pool, location } = connectPool({ url, waitMs: 20_000 });
    const tampered = onFirstCommit(async (_, __, client) => {
      // Everything was written, and nothing of it has reached the disk.
      const number = await transactionOf(client);
      await server.restart("immediate");
      if (isGiven) {
        const other = await connect();
        // Whoever comes next may have got it.
        await other.query("create table other (id int)");
        let given = 0n;
        while (given < number) {
          await other.query("begin; insert into other values (1)");
          given = await transactionOf(other);
          await other.query("commit");
        }
        await other.end();
        expect(given).toBe(number);
      }
      throw new Error("Connection terminated unexpectedly");
    });
    const meter = new PostgresMeter({ pool: watched(pool, tampered), location, waitMs: 20_000 });
    onTestFinished(() => pool.end());
    expect(await meter.commit([record("1")])).toMatchObject([{ status: "inserted" }]);
    const raw = await connect();
    onTestFinished(() => raw.end());
    expect((await raw.query("select id from event_key")).rows).toEqual([{ id: "1" }]);
  },
);

async function transactionOf(client: pg.ClientBase): Promise<bigint> {
  const { rows } = await client.query<{ number: string }>("select pg_current_xact_id()::text as number");
  return BigInt(rows[0]!.number);
}
