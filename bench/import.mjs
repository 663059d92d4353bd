// How fast a log gets into the ledger, whole processes, against the `sqlite3` shell's `.import` of the same CSV into one
// table with a unique text id. Where there is no shell, a stand-in that is slower than it (import-peer.mjs).
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { writeUsage } from "./data.mjs";
import { alpha, BIN } from "./engine-setup.mjs";
import { figure, timeProcess } from "./harness.mjs";

const ROUNDS = 3;
const RECORDS = 1_000_000;
const USERS = 1_000;
const FILES = 100;
const STAND_IN = fileURLToPath(new URL("import-peer.mjs", import.meta.url));
const TABLE = `create table log (id text unique, timestamp text, user text, provider text, model text, feature text,
  input_tokens integer, output_tokens integer)`;
const EVENT_COLUMNS = ["user_id", "call_kind_id", "occurred_at", "input", "output", "cost"];
const KEY_COLUMNS = ["id", "hash", "event_id"];
/** Rows a transaction, and rows a statement: what an import comes to while nobody else writes. */
const SLICE = 16_384;
const AT_ONCE = 64;
/** Tells the most memory that a process had, threads and all, when it ends. */
const TELL_MEMORY = `data:text/javascript,process.on("exit",()=>console.error("peak",process.resourceUsage().maxRSS))`;

export default async function* importBench() {
  const folder = mkdtempSync(join(tmpdir(), "alpha-bench-"));
  try {
    yield* measured(new Bench(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* measured(bench) {
  const { logs } = bench;
  const shell = hasShell();
  const peer = shell ? "sqlite3 .import" : "row by row (no sqlite3 shell here)";
  const took = { peer: [], jsonl: [], csv: [], again: [], files: [], floor: [], parsed: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const times = {
      peer: shell ? bench.shellImport() : bench.standIn(),
      jsonl: bench.fresh().import(logs.jsonl),
      again: bench.import(logs.jsonl),
      floor: bench.writeRows(),
      csv: bench.fresh().import(logs.csv),
      files: bench.fresh().import(...logs.files),
      parsed: parseAlone(logs.jsonl),
    };
    // The first round warms the caches of all of them and does not count.
    if (round > 0) for (const [name, time] of Object.entries(times)) took[name].push(time);
  }
  const rates = (times) => times.map((ms) => (RECORDS * 1000) / ms);
  const compared = (name, ours, other, bound) =>
    figure({ name, unit: "/s", bound, ours: rates(ours), peer: rates(other) });

  yield compared(`JSONL into the ledger : ${peer}`, took.jsonl, took.peer, ">= 0.9");
  yield compared(`CSV into the ledger : ${peer}`, took.csv, took.peer, ">= 0.9");
  yield compared("the same JSONL again : the first time", took.again, took.jsonl, ">= 1");
  yield compared("one file of 1,000,000 : 100 of 10,000", took.jsonl, took.files, "<= 1.15");
  yield compared("floor: bare statements of the same rows : JSONL", took.floor, took.jsonl, "<= 2.5");
  yield compared("floor: read and JSON.parse in one thread : JSONL", took.parsed, took.jsonl, "<= 2.5");
  const megabytes = (name, ours, other, bound) =>
    figure({ name, unit: "MB", bound, ours: [ours], peer: [other] });
  const peak = bench.fresh().peakMemory(logs.jsonl);
  yield megabytes("database afterwards : CSV", bench.databaseMb(), sizeMb(logs.csv), "<= 1.5");
  yield megabytes("peak memory, 1,000,000 records : 250 MB", peak, 250, "<= 1");
  yield megabytes("peak memory, 1,000,000 : 100,000", peak, bench.fresh().peakMemory(logs.tenth), "<= 1.15");
}

class Bench {
  constructor(folder) {
    this.folder = folder;
    this.database = join(folder, "alpha.db");
    this.empty = join(folder, "empty.db");
    this.logs = writeLogs(folder);
    alpha(this.empty, ["init"]);
    const list = join(folder, "users.csv");
    const lines = Array.from({ length: USERS }, (_, n) => `user${n}@example.com,user${n},pro`);
    writeFileSync(list, ["email,id,tier", ...lines].join("\n"));
    alpha(this.empty, ["users", "add", "--from", list]);
  }

  /** Begins anew with a database that has nothing but users. */
  fresh() {
    for (const end of ["-wal", "-shm"]) rmSync(this.database + end, { force: true });
    copyFileSync(this.empty, this.database);
    return this;
  }

  import(...files) {
    return timeProcess(process.execPath, [BIN, "usage", "import", ...files], { env: this.#env() });
  }

  /** @returns megabytes */
  peakMemory(file) {
    const args = ["--import", TELL_MEMORY, BIN, "usage", "import", file];
    const { stderr } = spawnSync(process.execPath, args, { env: this.#env(), encoding: "utf8" });
    return Number(/^peak (\d+)$/m.exec(stderr)[1]) / 1024;
  }

  databaseMb() {
    return sizeMb(this.database);
  }

  /** The rows that the import wrote, written once more by the bare statements, with all values at hand. */
  writeRows() {
    const target = join(this.folder, "floor.db");
    for (const end of ["", "-wal", "-shm"]) rmSync(target + end, { force: true });
    copyFileSync(this.empty, target);
    const source = new Database(this.database, { readonly: true });
    const events = columnsOf(source, "usage_event", EVENT_COLUMNS);
    const keys = columnsOf(source, "event_key", KEY_COLUMNS);
    source.close();
    const db = new Database(target);
    db.pragma("synchronous = normal");
    db.pragma("wal_autocheckpoint = 16000");
    db.prepare("attach ? as source").run(this.database);
    const constants = "recorded_at, cache_read, cache_write, reasoning, images, requests, assumed, priced_by";
    const insertEvents = writer(db, "usage_event", EVENT_COLUMNS, constants, "0, 0, 0, 0, 0, 1, 0, 'book'");
    const insertKeys = writer(db, "event_key", KEY_COLUMNS, "source_id", "1");
    const began = performance.now();
    for (let from = 0; from < RECORDS; from += SLICE) {
      const to = Math.min(RECORDS, from + SLICE);
      db.exec("begin immediate");
      insertEvents(events, from, to);
      insertKeys(keys, from, to);
      db.exec("commit");
    }
    for (const table of ["usage_window", "usage_day"]) {
      db.exec(`insert into main.${table} select * from source.${table}`);
    }
    const time = performance.now() - began;
    db.close();
    return time;
  }

  shellImport() {
    const target = this.#peerFile();
    return timeProcess("sqlite3", [target, TABLE, ".mode csv", `.import --skip 1 ${this.logs.csv} log`]);
  }

  standIn() {
    return timeProcess(process.execPath, [STAND_IN, this.#peerFile(), this.logs.csv, TABLE]);
  }

  #peerFile() {
    const file = join(this.folder, "peer.db");
    rmSync(file, { force: true });
    return file;
  }

  #env() {
    return { ...process.env, ALPHA_DATABASE: this.database };
  }
}

/** The values of some columns, row after row, in one list. */
function columnsOf(db, table, columns) {
  const rows = db.prepare(`select ${columns.join(", ")} from ${table}`).raw();
  const values = new Array(RECORDS * columns.length);
  let at = 0;
  for (const row of rows.iterate()) for (const value of row) values[at++] = value;
  return values;
}

function writer(db, table, columns, constants, literals) {
  const row = `(${columns.map(() => "?").join(", ")}, ${literals})`;
  const insert = (rows) =>
    db.prepare(
      `insert into ${table} (${columns.join(", ")}, ${constants}) values ${Array(rows).fill(row).join(", ")}`,
    );
  const many = insert(AT_ONCE);
  const one = insert(1);
  const { length } = columns;
  return (values, from, to) => {
    let row = from;
    for (; row + AT_ONCE <= to; row += AT_ONCE) {
      many.run(...values.slice(row * length, (row + AT_ONCE) * length));
    }
    for (; row < to; row += 1) one.run(...values.slice(row * length, (row + 1) * length));
  };
}

function hasShell() {
  return spawnSync("sqlite3", ["-version"]).status === 0;
}

function parseAlone(file) {
  const began = performance.now();
  for (const line of readFileSync(file, "utf8").split("\n")) if (line !== "") JSON.parse(line);
  return performance.now() - began;
}

/** The same records as JSONL, as CSV, as a hundred files, and a tenth of them. */
function writeLogs(folder) {
  const jsonl = join(folder, "usage.jsonl");
  writeUsage(jsonl, { events: RECORDS, users: USERS, days: 30, month: "2026-10" });
  const lines = readFileSync(jsonl, "utf8").trimEnd().split("\n");
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
  const csv = join(folder, "usage.csv");
  const rows = lines.map((line) => {
    const record = JSON.parse(line);
    return columns.map((column) => record[column]).join(",");
  });
  writeFileSync(csv, `${[columns.join(","), ...rows].join("\n")}\n`);
  const tenth = join(folder, "tenth.jsonl");
  writeFileSync(tenth, `${lines.slice(0, RECORDS / 10).join("\n")}\n`);
  mkdirSync(join(folder, "files"));
  const each = RECORDS / FILES;
  const files = Array.from({ length: FILES }, (_, n) => {
    const file = join(folder, "files", `${String(n).padStart(2, "0")}.jsonl`);
    writeFileSync(file, `${lines.slice(n * each, (n + 1) * each).join("\n")}\n`);
    return file;
  });
  return { jsonl, csv, tenth, files };
}

function sizeMb(file) {
  return statSync(file).size / 1024 / 1024;
}
