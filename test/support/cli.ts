import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { isPostgresUrl, urlParts, withoutPassword } from "../../src/store/location.js";

/** The instant at which the program under test believes to be started, unless a test says otherwise. */
export const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

const BIN = fileURLToPath(new URL("../../bin/alpha.js", import.meta.url));
const FROZEN_CLOCK = new URL("./frozen-clock.mjs", import.meta.url).href;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  readonly now?: number;
  readonly cwd?: string;
}

/** A home of its own for one test: the built program finds its database and config by it, and nothing else. */
export interface Home {
  readonly path: string;
  /** Where its database is: a path, or an address with its password. */
  readonly database: string;
  /** The same as the program says it, which never tells a password. */
  readonly shown: string;
  /** What the program is started with, for tests that start it themselves. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `alpha` with the given arguments as a process, off a terminal. */
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** The same, failing the test when the exit code is not 0. Returns stdout. */
  ok(args: readonly string[], options?: RunOptions): Promise<string>;
  /** The `data` of the JSON envelope. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  json(args: readonly string[], options?: RunOptions): Promise<any>;
}

export const BIN_PATH = BIN;

/** A home for one test whose database is to be a file in it; test/support/homes.ts has those that may be elsewhere. */
export function freshHome(): Home {
  const path = mkdtempSync(join(tmpdir(), "alpha-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return homeAt(path);
}

/** A home in a folder that the caller removes, with its database there or at an address. */
export function homeAt(path: string, database = join(path, "alpha.db")): Home {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: path,
    ALPHA_DATABASE: database,
    ALPHA_ACTOR: "tester",
    NODE_OPTIONS: `--import=${FROZEN_CLOCK}`,
    TEST_NOW: String(NOW),
    TZ: "Pacific/Auckland",
  };
  const [shown, password] = isPostgresUrl(database)
    ? [withoutPassword(database), urlParts(database).password]
    : [database, ""];
  const run: Home["run"] = (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [BIN, ...args], {
        cwd: options.cwd ?? path,
        env: { ...env, TEST_NOW: String(options.now ?? NOW), ...options.env },
        stdio: ["pipe", "pipe", "pipe"],
      });
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout.on("data", (chunk) => stdout.push(chunk));
      child.stderr.on("data", (chunk) => stderr.push(chunk));
      // A program that fails early does not read its input.
      child.stdin.on("error", () => {});
      child.stdin.end(options.input ?? "");
      child.on("error", reject);
      child.on("close", (code, signal) => {
        const finished = {
          code,
          signal,
          stdout: Buffer.concat(stdout).toString("utf8"),
          stderr: Buffer.concat(stderr).toString("utf8"),
        };
        const told = password !== "" && `${finished.stdout}${finished.stderr}`.includes(password);
        if (told) reject(new Error(`alpha ${args.join(" ")} told the database's password`));
        else resolve(finished);
      });
    });
  const ok: Home["ok"] = async (args, options) => {
    const finished = await run(args, options);
    if (finished.code !== 0) {
      throw new Error(
        `alpha ${args.join(" ")} exited ${finished.code}\n${finished.stdout}${finished.stderr}`,
      );
    }
    return finished.stdout;
  };
  const json: Home["json"] = async (args, options) => JSON.parse(await ok([...args, "--json"], options)).data;
  return { path, database, shown, env, run, ok, json };
}
