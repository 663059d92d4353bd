import { expect, test } from "vitest";
import { INITIAL_TIERS } from "../../src/domain/tier.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { engineOn } from "../support/engine-on.js";
import { program } from "../support/processes.js";
import { change, DAY, T0 } from "../support/store.js";
import { postgresWith } from "./children/postgres-parent.js";

const PROCESSES = 4;
const TURNS = 60;
const USERS = Array.from({ length: 10 }, (_, n) => `u${n}`);

const mixture = program(new URL("children/postgres-mixture.ts", import.meta.url));

test("batches of many users in any order, with what others bring too, beside changes by operators, never deadlock", async () => {
  const database = await postgresWith({
    users: USERS,
    quotas: [{ meter: "tokens", period: "day", limit: 2_000 }],
    more: async (tx) => {
      for (const meter of ["tokens", "cost"] as const) {
        for (const period of ["day", "month"] as const) {
          const guardrail = { meter, period, limit: 1_000, action: "alert" } as const;
          await tx.emergency.setGuardrail(guardrail, T0 - DAY);
        }
      }
    },
  });
  const spawn = await mixture.start();
  const products = Array.from({ length: PROCESSES }, (_, n) =>
    spawn(database.url, String(T0), String(n), String(TURNS)),
  );
  const ended = products.map((product) => product.ended);
  let isOver = false;
  const all = Promise.all(ended).then((how) => {
    isOver = true;
    return how;
  });
  // A change that decides something else each time.
  for (let n = 0; !isOver; n++) {
    await change(database.store, async (tx) => {
      await tx.tiers.save({ ...INITIAL_TIERS[0]!, quotas: [] }, T0 + n);
      await tx.records.endExpired(T0);
    });
  }
  expect(await all).toEqual(products.map(() => ({ code: 0, errors: "" })));
  const { rows } = await database.raw.query(
    "select deadlocks, xact_commit > 200 as busy from pg_stat_database where datname = current_database()",
  );
  expect(rows).toEqual([{ deadlocks: 0, busy: true }]);
  const { rows: counted, differences } = await verifyTotals(engineOn(database.store));
  expect(counted).toBeGreaterThan(200);
  expect(differences).toEqual([]);
}, 120_000);
