// The same engine on PostgreSQL, against bare statements and rate-limiter-flexible's store on the same server, which keeps its
// promises: a commit waits for the disk.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import pg from "pg";
import { RateLimiterPostgres } from "rate-limiter-flexible";
import { openLimits } from "../dist/index.js";
import { writeUsage } from "./data.mjs";
import { alpha, BIN, freshDatabase, PRO_USER, REQUEST, USAGE } from "./engine-setup.mjs";
import { startWorkers } from "./engine-workers.mjs";
import { figure, inTurn, median, perSecondAtOnce, timeProcess } from "./harness.mjs";

const ROUNDS = 5;
const CALLERS = 64;
const CONNECTIONS = 16;
const USERS = 1_000;
const RECORDS = 1_000_000;
const IMPORTS = 3;
/** The tables that an import fills, with the order in which it does. */
const FILLED = [
  ["usage_day", "user_id, day, call_kind_id"],
  ["usage_window", "user_id, period, window_index"],
  ["usage_event", "id"],
  ["event_key", "source_id, id"],
];

export default async function* postgresBench() {
  const folder = mkdtempSync(join(tmpdir(), "alpha-bench-"));
  // The server reads a file there, as somebody else.
  chmodSync(folder, 0o755);
  const server = await startServer();
  try {
    const bench = new Bench(server, folder);
    yield* bench.engine();
    yield* bench.guardrail();
    yield* bench.processes();
    yield* bench.imports();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A server as the tests have, with its safety on and the memory that PostgreSQL takes unless it is told. */
async function startServer() {
  const cache = fileURLToPath(new URL("../node_modules/.cache/alpha-bench/", import.meta.url));
  mkdirSync(cache, { recursive: true });
  const source = new URL("../test/support/postgres-server.ts", import.meta.url);
  const outfile = join(cache, "postgres-server.mjs");
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    // What it finds by its own place is beside its source.
    define: { "import.meta.url": JSON.stringify(source.href) },
    logLevel: "silent",
  });
  const { startPostgres, socketUrl } = await import(pathToFileURL(outfile).href);
  const safe = { fsync: "on", full_page_writes: "on", shared_buffers: "128MB", max_wal_size: "1GB" };
  // On a disk, where a commit takes the time that it takes.
  const server = await startPostgres(safe, tmpdir());
  return { stop: () => server.stop(), url: (database) => socketUrl(server, database) };
}

class Bench {
  #made = 0;

  constructor(server, folder) {
    this.server = server;
    this.folder = folder;
  }

  async *engine() {
    const url = await this.#testers();
    const limits = await openLimits({ database: url });
    const pool = this.#pool(url);
    await pool.query("create table counter (id bigint primary key, used bigint not null)");
    const upsert = {
      name: "upsert",
      text: "insert into counter values ($1, 1) on conflict (id) do update set used = counter.used + 1",
    };
    const bare = async () => {
      await pool.query({ ...upsert, values: [1] });
      await pool.query({ ...upsert, values: [1] });
    };
    yield figure({
      name: "reserve + settle, 64 callers : 2 bare upserts of a row",
      unit: "/s",
      bound: ">= 1.3",
      ...(await inTurn(
        ROUNDS,
        () => perSecondAtOnce(CALLERS, 6_400, pairOf(limits)),
        () => perSecondAtOnce(CONNECTIONS, 3_200, bare),
      )),
    });
    const peer = await openPeer(pool);
    const peerPair = async () => {
      await peer.consume(PRO_USER, 1);
      await peer.consume(PRO_USER, 1);
    };
    yield figure({
      name: "reserve + settle, 64 callers : 2 consumes",
      unit: "/s",
      bound: ">= 1",
      ...(await inTurn(
        ROUNDS,
        () => perSecondAtOnce(CALLERS, 6_400, pairOf(limits)),
        () => perSecondAtOnce(CALLERS, 3_200, peerPair),
      )),
    });
    yield await checkAgainstLookup(limits, pool);
    await pool.end();
    await limits.close();
  }

  /** What a guardrail costs, over all testers at once. */
  async *guardrail() {
    const [without, within] = [await this.#testers(), await this.#testers()];
    alpha(within, ["guardrails", "set", "--daily-cost", "1000000"]);
    const [free, guarded] = [await openLimits({ database: without }), await openLimits({ database: within })];
    yield figure({
      name: "64 callers with a guardrail : without",
      unit: "/s",
      bound: ">= 0.8",
      ...(await inTurn(
        ROUNDS,
        () => perSecondAtOnce(CALLERS, 6_400, pairOf(guarded)),
        () => perSecondAtOnce(CALLERS, 6_400, pairOf(free)),
      )),
    });
    await Promise.all([free.close(), guarded.close()]);
  }

  async *processes() {
    const url = await this.#testers();
    const one = await startWorkers("ours", url, 1);
    const four = await startWorkers("ours", url, 4);
    const totals = await inTurn(
      ROUNDS,
      async () => (await four.round()).total,
      async () => (await one.round()).total,
    );
    one.stop();
    four.stop();
    yield figure({ name: "4 processes together : one", unit: "/s", bound: ">= 0.8", ...totals });
  }

  async *imports() {
    const { jsonl, csv } = writeLogs(this.folder);
    const rates = { import: [], copy: [], floor: [] };
    for (let round = 0; round <= IMPORTS; round += 1) {
      const database = await this.#testers(true);
      const times = {
        import: timeProcess(process.execPath, [BIN, "usage", "import", jsonl], {
          env: { ...process.env, ALPHA_DATABASE: database },
        }),
        copy: await this.#copy(csv),
        floor: await copyRows(database),
      };
      if (round === 0) continue;
      for (const [name, time] of Object.entries(times)) rates[name].push((RECORDS * 1000) / time);
    }
    const compared = (name, ours, peer, bound) => figure({ name, unit: "/s", bound, ours, peer });
    yield compared("1,000,000 records of JSONL : COPY of the CSV", rates.import, rates.copy, ">= 0.5");
    yield compared("floor: COPY of the rows that it wrote : JSONL", rates.floor, rates.import, "<= 2");
  }

  /** COPY into one table with a unique id, read by the server itself. */
  async #copy(csv) {
    const client = new pg.Client({ connectionString: await this.#create() });
    await client.connect();
    await client.query(`create table log (id text unique, at text, who text, provider text, model text, feature text,
      input_tokens integer, output_tokens integer)`);
    const began = performance.now();
    await client.query(`copy log from '${csv}' with (format csv, header)`);
    const time = performance.now() - began;
    await client.end();
    return time;
  }

  async #testers(many = false) {
    const url = await this.#create();
    await freshDatabase(url);
    if (!many) return url;
    const list = join(this.folder, "users.csv");
    const lines = Array.from({ length: USERS }, (_, n) => `user${n}@example.com,user${n},pro`);
    writeFileSync(list, ["email,id,tier", ...lines].join("\n"));
    alpha(url, ["users", "add", "--from", list]);
    return url;
  }

  async #create() {
    this.#made += 1;
    const name = `bench_${this.#made}`;
    const client = new pg.Client({ connectionString: this.server.url("postgres") });
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
    return this.server.url(name);
  }

  #pool(url) {
    return new pg.Pool({ connectionString: url, max: CONNECTIONS });
  }
}

/**
 * The rows that an import wrote, copied into tables with the same keys by the server alone, from files that it wrote
 * before: each once, while the import changes most totals several times.
 */
async function copyRows(database) {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const { rows } = await client.query("select current_setting('data_directory') as folder");
  const file = (table) => `'${rows[0].folder}/${table}.bin' with (format binary)`;
  for (const [table, order] of FILLED) {
    await client.query(`copy (select * from ${table} order by ${order}) to ${file(table)}`);
    await client.query(`create table copied_${table} (like ${table} including all)`);
  }
  const began = performance.now();
  await client.query("begin");
  for (const [table] of FILLED) await client.query(`copy copied_${table} from ${file(table)}`);
  await client.query("commit");
  const time = performance.now() - began;
  await client.end();
  return time;
}

function pairOf(limits) {
  return async () => {
    const { reservation } = await limits.reserve(REQUEST);
    await limits.settle(reservation.handle, USAGE);
  };
}

/** One call of each in turn, and the medians of their times: a server's times scatter too much for sums. */
async function checkAgainstLookup(limits, pool) {
  const lookup = { name: "lookup", text: "select * from users where id = $1", values: [1] };
  const times = { ours: [], peer: [] };
  const timed = async (run) => {
    const began = performance.now();
    await run();
    return performance.now() - began;
  };
  const client = await pool.connect();
  for (let round = 0; round <= ROUNDS; round += 1) {
    const ours = [];
    const peer = [];
    for (let n = 0; n < 1_000; n += 1) {
      ours.push(await timed(() => limits.check(REQUEST)));
      peer.push(await timed(() => client.query(lookup)));
    }
    if (round === 0) continue;
    times.ours.push(median(ours));
    times.peer.push(median(peer));
  }
  client.release();
  return figure({ name: "time of a check : of a point lookup", unit: "ms", bound: "<= 1.4", ...times });
}

function openPeer(pool) {
  return new Promise((resolve, reject) => {
    const limiter = new RateLimiterPostgres(
      {
        storeClient: pool,
        tableName: "consumed",
        points: 1e9,
        duration: 86_400,
        clearExpiredByTimeout: false,
      },
      (error) => (error ? reject(error) : resolve(limiter)),
    );
  });
}

function writeLogs(folder) {
  const jsonl = join(folder, "usage.jsonl");
  writeUsage(jsonl, { events: RECORDS, users: USERS, days: 30, month: "2026-10" });
  const columns = [
    "id",
    "timestamp",
    "user",
    "provider",
    "model",
    "feature",
    "input_tokens",
    "output_tokens",
  ];
  const rows = readFileSync(jsonl, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const record = JSON.parse(line);
      return columns.map((column) => record[column]).join(",");
    });
  const csv = join(folder, "usage.csv");
  writeFileSync(csv, `${[columns.join(","), ...rows].join("\n")}\n`);
  return { jsonl, csv };
}
