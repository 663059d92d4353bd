import { join } from "node:path";
import { beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { verifyTotals } from "../../src/engine/verify.js";
import { MOVED_TABLES } from "../../src/store/move-tables.js";
import { openStore } from "../../src/store/open-store.js";
import { contents, fillEverything } from "../support/moving.js";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { socketUrl } from "../support/postgres-server.js";
import { program, type Spawn } from "../support/processes.js";
import { freshSqliteFile, HOUR, MINUTE, T0, tempFolder } from "../support/store.js";

const victims = program(new URL("children/move-victim.ts", import.meta.url));
/** After how many chunks of three rows, of about a hundred. */
const KILLED_AFTER = [1, 20, 25, 25];

let spawn: Spawn;
beforeAll(async () => {
  spawn = await victims.start();
});

async function emptyPostgres(): Promise<string> {
  const name = await createDatabase("template1");
  onTestFinished(() => dropDatabase(name));
  return socketUrl(inject("postgres"), name);
}

describe.each(["a server", "a file"])("a move to %s that is killed again and again", (where) => {
  test("carries every row once, and is finished only when all are there", async () => {
    const from = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    await fillEverything(from);
    const before = await contents(from);
    const to = where === "a server" ? await emptyPostgres() : join(tempFolder(), "to.db");
    let now = T0 + HOUR;
    const run = (chunks: number) => {
      // The lease of one that was killed runs out after five minutes.
      now += 6 * MINUTE;
      return spawn(from, to, String(now), String(chunks));
    };
    for (const chunks of KILLED_AFTER) {
      expect(await run(chunks).ended).toEqual({ code: null, errors: "" });
      await expect(openStore({ database: to, waitMs: 5_000 })).rejects.toMatchObject({ code: "database" });
    }
    const last = run(0);
    expect(await last.ended).toEqual({ code: 0, errors: "" });
    expect(last.lines.at(-1)).toBe("done true");

    const after = await contents(to);
    for (const table of MOVED_TABLES) {
      if (["stop", "audit_entry", "generation"].includes(table)) continue;
      expect(after[table], table).toEqual(before[table]);
    }
    const states = after.audit_entry!.filter(({ action }) => action === "db.move");
    expect(states.map((entry) => JSON.parse(String(entry.after)).state)).toEqual(["begun", "arrived"]);
    const store = await openStore({ database: to, waitMs: 5_000 });
    onTestFinished(() => store.close());
    expect((await verifyTotals({ store })).differenceCount).toBe(0);
  }, 60_000);
});
