import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { initPostgres } from "../../src/store/postgres/init.js";
import { socketUrl, startPostgres, TEMPLATE } from "./postgres-server.js";

const BUILD = fileURLToPath(new URL("../../scripts/build.mjs", import.meta.url));

/** Acceptance tests run the built program, so it is built from what is being tested; and all share one server. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [{ stop, ...server }] = await Promise.all([
    startPostgres(),
    promisify(execFile)(process.execPath, [BUILD]),
  ]);
  try {
    const client = new pg.Client({
      host: server.folder,
      port: server.port,
      user: "postgres",
      database: "postgres",
    });
    await client.connect();
    await client.query(`create database ${TEMPLATE}`);
    await client.end();
    await initPostgres({ url: socketUrl(server, TEMPLATE), waitMs: 5_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide("postgres", server);
  return stop;
}
