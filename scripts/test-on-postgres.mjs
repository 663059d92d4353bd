#!/usr/bin/env node
/**
 * Runs the tests of the PostgreSQL store on a server that runs already, such as one of another version:
 *
 *   node scripts/test-on-postgres.mjs postgres://postgres:password@127.0.0.1:5432
 *
 * After them it runs the acceptance tests, with the homes of their operators there. The user has to be a superuser.
 * Databases named test_* and alpha_template are made and dropped, and roles named t*_.
 * What needs a server of its own, to restart it or to talk to it encrypted, is left out: `npm test` has it.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import pg from "pg";

const SUITES = [
  "test/contract",
  "test/acceptance/postgres.test.ts",
  "test/acceptance/postgres-backups.test.ts",
  "test/library/postgres.test.ts",
  "test/store/postgres-meter.test.ts",
  "test/store/postgres-months.test.ts",
  "test/store/postgres-roles.test.ts",
  "test/faults/postgres-admission.test.ts",
  "test/faults/postgres-deadlocks.test.ts",
  "test/faults/postgres-kills.test.ts",
  "test/faults/postgres-stops.test.ts",
];

const [url, ...more] = process.argv.slice(2);
if (url === undefined || !/^postgres(ql)?:/.test(url)) {
  console.error("usage: node scripts/test-on-postgres.mjs postgres://USER:PASSWORD@HOST:PORT [SUITE…]");
  process.exit(2);
}

const client = new pg.Client({ connectionString: url, database: "postgres" });
await client.connect();
const { rows } = await client.query("select version()");
await client.end();
console.log(rows[0].version);

const runs =
  more.length > 0
    ? [more]
    : [
        ["--project", "all", ...SUITES],
        ["--project", "postgres"],
      ];
for (const args of runs) {
  const { status } = spawnSync("npx", ["vitest", "run", ...args], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, TEST_POSTGRES_URL: url },
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
