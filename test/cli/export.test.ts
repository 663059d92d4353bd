import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { expect, test } from "vitest";
import { run } from "../../src/cli/run-command.js";
import { seededDatabase } from "../support/engine-on.js";
import { record, T0, tempFolder } from "../support/store.js";

/** Keeps what is written to it. */
class Kept extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

test("an export to a file can be interrupted, and leaves nothing", async () => {
  const folder = tempFolder();
  const database = join(folder, "alpha.db");
  await seededDatabase(database, [{ id: "ada", tier: "pro" }], {
    prepare: ({ store }) =>
      store.meter.commit(Array.from({ length: 5_000 }, (_, n) => record(`n${n}`, { input: 1, output: 0 }))),
  });
  const interrupt = new AbortController();
  const file = join(folder, "all.jsonl");
  // As the operator would: some time after it has begun.
  const watch = () => {
    if (existsSync(`${file}.part`)) interrupt.abort();
    else setImmediate(watch);
  };
  watch();
  const stderr = new Kept();
  const code = await run(["usage", "export", file], {
    stdin: new PassThrough(),
    stdout: new Kept(),
    stderr,
    env: { HOME: folder, ALPHA_DATABASE: database },
    now: () => T0,
    signal: interrupt.signal,
  });
  expect(code).toBe(130);
  expect(stderr.text).toBe("error: the export was interrupted\n");
  expect(readdirSync(folder).filter((name) => name.startsWith("all"))).toEqual([]);
});
