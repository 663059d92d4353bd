import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { initPostgres } from "../../src/store/postgres/init.js";
import { serverAt, socketUrl, startPostgres, TEMPLATE } from "./postgres-server.js";

const BUILD = fileURLToPath(new URL("../../scripts/build.mjs", import.meta.url));

/** Acceptance tests run the built program, so it is built from what is being tested; and all share one server. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const url = process.env.TEST_POSTGRES_URL;
  const starting = url === undefined ? startPostgres() : Promise.resolve(serverAt(url));
  const [built] = await Promise.allSettled([promisify(execFile)(process.execPath, [BUILD]), starting]);
  const { stop, restart: _, ...started } = await starting;
  const [at, parameters = ""] = process.env.TEST_POSTGRES_POOLER?.split("?") ?? [];
  const server = { ...started, ...(at === undefined ? {} : { pooler: { at, parameters } }) };
  try {
    if (built.status === "rejected") throw built.reason;
    const client = new pg.Client(socketUrl(server, "postgres"));
    await client.connect();
    await client.query(`drop database if exists ${TEMPLATE}`);
    await client.query(`create database ${TEMPLATE} encoding utf8 template template0`);
    await client.end();
    await initPostgres({ url: socketUrl(server, TEMPLATE), waitMs: 5_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide("postgres", server);
  return stop;
}
