import { describe, onTestFinished, test } from "vitest";
import { openLimits } from "../../src/index.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { freshHome, type Home, NOW } from "../support/cli.js";
import {
  AFTER,
  expectObeyed,
  expectStopped,
  hammered,
  LATER,
  PLENTY,
  STOPPING,
} from "./children/engine-hammer.js";
import { databaseAt, type Product, products, type Setup } from "./children/engine-parent.js";

const fleet = products();

async function running(count: number, setup: Setup): Promise<{ home: Home; processes: Product[] }> {
  const home = freshHome();
  await databaseAt(home.database, setup);
  const processes = await fleet.start(count);
  await Promise.all(processes.map((each) => each.tell({ do: "open", database: home.database, now: LATER })));
  return { home, processes };
}

describe("no call that begins after it is admitted, in any process, after", () => {
  const ada = { quotas: [PLENTY] };

  test.each(STOPPING)("$what has returned", async ({ command, codes }) => {
    const { home, processes } = await running(3, ada);
    const seen = await hammered(processes, { order: 2, after: AFTER }, () => home.ok(command));
    expectStopped(seen, ...codes);
  });

  test("a call has settled that trips a guardrail", async () => {
    const limit = 1_000_000;
    const { home, processes } = await running(3, {
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
  const { home, processes } = await running(3, { quotas: [PLENTY] });
  const store = await openSqlite({ path: home.database, waitMs: 5_000 });
  onTestFinished(() => store.close());
  await expectObeyed(store, processes);
});
