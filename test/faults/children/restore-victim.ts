import fs, { writeSync } from "node:fs";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import Sqlite from "better-sqlite3";
import { restoreDatabase } from "../../../src/engine/restore.js";
import { createIds } from "../../../src/ids.js";
import { SqliteCopies } from "../../../src/store/sqlite/copies.js";

/**
 * Restores a backup, and kills itself at one of its steps, 0 for none: `restore-victim DATABASE BACKUP NOW STEP`. A step
 * is before and after everything that leaves a trace on the disk: files that are opened, renamed and removed, connections
 * that are opened and closed, and statements that end a transaction or stand alone.
 */
const [path = "", backup = "", now = "", killAt = ""] = process.argv.slice(2);
const at = Number(now);

let steps = 0;
function step(): void {
  steps += 1;
  if (steps === Number(killAt)) process.kill(process.pid, "SIGKILL");
}

// biome-ignore lint/suspicious/noExplicitAny: whatever they take and return is handed on
type Anything = (...args: any[]) => any;
function stepping(of: object, names: readonly string[], isStep: Anything = () => true): void {
  const methods = of as Record<string, Anything>;
  for (const name of names) {
    const method = methods[name] as Anything;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      const counts = isStep.apply(this, args);
      if (counts) step();
      const done = method.apply(this, args);
      if (counts && !(done instanceof Promise)) step();
      return counts && done instanceof Promise ? done.finally(step) : done;
    };
  }
}

stepping(files, ["open", "rm"]);
stepping(fs, ["renameSync"]);
syncBuiltinESMExports();
stepping(Sqlite.prototype, ["exec", "close", "backup"]);
const probe = new Sqlite(":memory:");
const statement = Object.getPrototypeOf(probe.prepare("begin")) as object;
stepping(statement, ["run"], function (this: { source: string }) {
  return /^\s*(commit|rollback|release)/i.test(this.source);
});

const engine = {
  now: () => at,
  ids: createIds(() => at),
  actor: "olga",
  prices: () => Promise.reject(new Error("no price was to be asked for")),
};
steps = 0;
const copies = new SqliteCopies({ path, waitMs: 5_000 });
const { aside } = await restoreDatabase(engine, copies, backup);
writeSync(1, `done ${steps} ${aside}\n`);
process.disconnect();
