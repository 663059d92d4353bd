#!/usr/bin/env node
/**
 * Shows what holds behind a pooler that gives each transaction whichever connection is free: runs the tests of faults
 * with PgBouncer in transaction mode between the clients and a server that runs already.
 *
 *   node scripts/test-behind-pgbouncer.mjs postgres://postgres:password@127.0.0.1:5432
 *
 * The user has to be a superuser, and `pgbouncer` installed (on Debian: apt-get install pgbouncer).
 */
import { spawn, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";

// Not that of restarts: it has to restart a server of its own, where no pooler stands.
const SUITES = ["admission", "deadlocks", "kills", "stops"].map(
  (name) => `test/faults/postgres-${name}.test.ts`,
);
/** From this version on PgBouncer knows which connection has which statement prepared. */
const KNOWS_STATEMENTS = [1, 21];
/** Fewer than there are clients, so that they take turns on them. */
const CONNECTIONS = 3;

const [url, ...more] = process.argv.slice(2);
if (url === undefined || !/^postgres(ql)?:/.test(url)) {
  console.error("usage: node scripts/test-behind-pgbouncer.mjs postgres://USER:PASSWORD@HOST:PORT [SUITE…]");
  process.exit(2);
}
const { hostname, port, username, password } = new URL(url);
const said = spawnSync("pgbouncer", ["--version"], { encoding: "utf8" });
if (said.error !== undefined) {
  console.error("pgbouncer is not installed, or not in the path (on Debian: apt-get install pgbouncer)");
  process.exit(1);
}
const version = said.stdout.split("\n")[0];
const [major = 0, minor = 0] = (version.match(/\d+/g) ?? []).map(Number);
const knowsStatements =
  major > KNOWS_STATEMENTS[0] || (major === KNOWS_STATEMENTS[0] && minor >= KNOWS_STATEMENTS[1]);

const folder = mkdtempSync(join(tmpdir(), "alpha-pgbouncer-"));
const free = await freePort();
writeFileSync(join(folder, "users"), `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
writeFileSync(
  join(folder, "pgbouncer.ini"),
  `[databases]
* = host=${hostname} port=${port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${free}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, "users")}
pool_mode = transaction
default_pool_size = ${CONNECTIONS}
max_client_conn = 400
${knowsStatements ? "max_prepared_statements = 200" : ""}
logfile = ${join(folder, "log")}
`,
);
// It refuses to run as root.
const account = process.getuid?.() === 0 ? nobody() : undefined;
if (account !== undefined) {
  for (const name of ["", "users", "pgbouncer.ini"]) chownSync(join(folder, name), account.uid, account.gid);
}
const pooler = spawn("pgbouncer", [join(folder, "pgbouncer.ini")], { stdio: "ignore", ...account });
let status = 1;
try {
  await answers(`postgres://${username}:${password}@127.0.0.1:${free}/postgres`);
  console.log(`${version}, in transaction mode with ${CONNECTIONS} connections a database`);
  ({ status } = spawnSync("npx", ["vitest", "run", ...(more.length > 0 ? more : SUITES)], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: {
      ...process.env,
      TEST_POSTGRES_URL: url,
      TEST_POSTGRES_POOLER: `127.0.0.1:${free}${knowsStatements ? "" : "?prepared_statements=0"}`,
    },
    stdio: "inherit",
  }));
} catch (error) {
  console.error(readFileSync(join(folder, "log"), "utf8"));
  throw error;
} finally {
  pooler.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status ?? 1);

function nobody() {
  const fields = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === "nobody");
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

async function answers(address) {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client(address);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port: found } = server.address();
      server.close(() => resolve(found));
    });
  });
}
