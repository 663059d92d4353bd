// The databases, requests and peers that the engine benchmarks share.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { RateLimiterSQLite } from "rate-limiter-flexible";

export const BIN = fileURLToPath(new URL("../bin/alpha.js", import.meta.url));

export const PRO_USER = "pro";
export const REQUEST = { user: PRO_USER, tokens: 100, cost: 1_000, feature: "blog_writer" };
export const USAGE = { input: 60, output: 40, cost: 900 };

/** Runs a command on a database. */
export function alpha(path, args) {
  execFileSync(process.execPath, [BIN, ...args], {
    env: { ...process.env, ALPHA_DATABASE: path },
    stdio: "ignore",
  });
}

/** A database with one pro user whose quotas are all set, and so high that no benchmark reaches them. */
export async function freshDatabase(path) {
  alpha(path, ["init"]);
  const high = "900000000000";
  const limits = ["--daily-tokens", high, "--daily-images", high, "--monthly-cost", "900000"];
  alpha(path, ["tiers", "set", "pro", ...limits]);
  alpha(path, ["users", "add", "pro@example.com", "--id", PRO_USER, "--tier", "pro"]);
  return path;
}

/** rate-limiter-flexible on a SQLite file of its own, with our pragmas. */
export function openPeer(path) {
  const database = new Database(path, { timeout: 5_000 });
  database.pragma("page_size = 2048");
  database.pragma("journal_mode = wal");
  database.pragma("synchronous = normal");
  database.pragma("wal_autocheckpoint = 16000");
  return new Promise((resolve, reject) => {
    const limiter = new RateLimiterSQLite(
      {
        storeClient: database,
        storeType: "better-sqlite3",
        tableName: "consumed",
        points: 1e15,
        duration: 86_400,
        clearExpiredByTimeout: false,
      },
      (error) => (error ? reject(error) : resolve(limiter)),
    );
  });
}

/** The floor of any check: one prepared look-up of one row. */
export function pointLookup(path) {
  const database = new Database(path);
  const statement = database.prepare("select * from users where id = ?");
  return () => statement.get(1);
}
