import { describe, onTestFinished, test } from "vitest";
import { openLimits } from "../../src/index.js";
import { type Home, homeAt, NOW } from "../support/cli.js";
import { tempFolder } from "../support/store.js";
import {
  AFTER,
  expectObeyed,
  expectStopped,
  hammered,
  LATER,
  PLENTY,
  STOPPING,
} from "./children/engine-hammer.js";
import { type Product, products, type Setup } from "./children/engine-parent.js";
import { type OnPostgres, postgresWith } from "./children/postgres-parent.js";

const PROCESSES = 4;
const fleet = products();

async function running(
  setup: Setup,
): Promise<{ database: OnPostgres; home: Home; processes: readonly Product[] }> {
  const database = await postgresWith(setup);
  const processes = await fleet.start(PROCESSES);
  await Promise.all(processes.map((each) => each.tell({ do: "open", database: database.url, now: LATER })));
  return { database, home: homeAt(tempFolder(), database.url), processes };
}

describe(`no call that begins after it is admitted, in any of ${PROCESSES} processes, after`, () => {
  const ada = { quotas: [PLENTY] };

  test.each(STOPPING)("$what has returned", async ({ command, codes }) => {
    const { home, processes } = await running(ada);
    const seen = await hammered(processes, { order: 2, after: AFTER }, () => home.ok(command));
    expectStopped(seen, ...codes);
  });

  test("a call has settled that trips a guardrail", async () => {
    const limit = 1_000_000;
    const { home, processes } = await running({
      ...ada,
      users: ["ada", "bob"],
      more: (tx) => tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit, action: "stop" }, NOW),
    });
    const bob = await openLimits({ database: home.database, now: () => LATER });
    onTestFinished(() => bob.close());
    const seen = await hammered(processes, { order: 2, after: AFTER }, () =>
      bob.record("bob", { output: limit, cost: 0 }),
    );
    expectStopped(seen, "emergency-stop");
  });
});

test("a stop is obeyed within milliseconds of its commit", async () => {
  const { database, processes } = await running({ quotas: [PLENTY] });
  await expectObeyed(database.store, processes);
});
