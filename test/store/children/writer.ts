import { writeSync } from "node:fs";
import Sqlite from "better-sqlite3";
import type { Entry } from "../../../src/domain/ledger-model.js";
import type { Store } from "../../../src/engine/ports.js";
import { initSqlite } from "../../../src/store/sqlite/init.js";
import { openSqlite } from "../../../src/store/sqlite/open.js";

/*
 * What the tests of several processes let other processes do: `writer TASK PATH …`. It says `ready` once it is loaded,
 * begins when it is told anything, and prints what it did, each line before the next step.
 */

const say = (line: string) => writeSync(1, `${line}\n`);
const [task, path = "", ...rest] = process.argv.slice(2);
const told = new Promise((resolve) => process.once("message", resolve));

async function increment(times: number): Promise<void> {
  const store = await openSqlite({ path, waitMs: 20_000 });
  let failed = 0;
  for (let n = 0; n < times; n++) {
    const write = store.write(async ({ settings }) => {
      const { emergency_tokens } = await settings.current();
      await settings.set("emergency_tokens", emergency_tokens + 1, n);
    });
    await write.catch((error) => {
      failed += 1;
      say(`failed ${error}`);
    });
  }
  say(`done ${failed}`);
  await store.close();
}

async function init(): Promise<void> {
  const { migrated } = await initSqlite({ path, waitMs: 20_000 });
  say(`migrated ${JSON.stringify(migrated)}`);
}

function entry(id: string, n: number): Entry {
  return {
    source: "child",
    id,
    hash: n,
    providerId: null,
    user: n % 3 === 0 ? "bob" : "ada",
    occurredAt: Date.UTC(2026, 10, 1 + (n % 20)),
    provider: "openai",
    model: `m${n % 5}`,
    feature: "",
    input: n,
    cacheRead: 1,
    cacheWrite: 2,
    output: 3,
    reasoning: 0,
    images: n % 2,
    cost: n,
    rates: null,
    status: "ok",
    estimated: false,
    importId: null,
  };
}

/** Commits batch after batch until it is killed; what it printed was committed. */
async function commitUntilKilled(prefix: string): Promise<never> {
  const store = await openSqlite({ path, waitMs: 20_000 });
  for (let n = 0; ; n += 5) {
    const ids = Array.from({ length: 5 }, (_, k) => `${prefix}-${n + k}`);
    await store.meter.commit(
      ids.map((id, k) => ({ op: "record", entry: entry(id, n + k), at: Date.UTC(2026, 10, 22) })),
    );
    say(ids.join(" "));
    if (n % 25 === 0) await audit(store, n);
  }
}

function audit(store: Store, n: number): Promise<number> {
  const none = { before: null, after: null, reason: null };
  return store.write((tx) =>
    tx.records.audited({ at: n, actor: "child", action: "a.b", subject: "c:d", ...none }),
  );
}

/** Holds the write lock until the process ends. */
function lock(): void {
  const raw = new Sqlite(path);
  raw.exec("begin immediate");
  say("locked");
  // As long as something refers to it, it is not collected, which would close it and give the lock back.
  setInterval(() => raw.open, 1_000);
}

say("ready");
await told;
if (task === "increment") await increment(Number(rest[0]));
else if (task === "init") await init();
else if (task === "commit") await commitUntilKilled(rest[0] ?? "");
else if (task === "lock") lock();
else throw new Error(`there is no task ${task}`);
if (task !== "lock") process.disconnect();
