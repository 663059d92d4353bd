import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Quota } from "../../src/domain/meter.js";
import { openLimits } from "../../src/index.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { freshHome, type Home, NOW } from "../support/cli.js";
import { auditEntry, tempFolder } from "../support/store.js";
import { databaseAt, going, type Product, products, type Setup } from "./children/engine-parent.js";
import type { Hammered } from "./children/engine-product.js";

// The commands run on a clock of their own, which starts at NOW.
const LATER = NOW + 60_000;
const REQUEST = { user: "ada", tokens: 10, cost: 1 };
const AFTER = 1_000;
const PLENTY: Quota = { meter: "tokens", period: "day", limit: 1_000_000_000 };

const fleet = products();

async function running(count: number, setup: Setup): Promise<{ home: Home; processes: Product[] }> {
  const home = freshHome();
  await databaseAt(home.database, setup);
  const processes = await fleet.start(count);
  await Promise.all(processes.map((each) => each.tell({ do: "open", database: home.database, now: LATER })));
  return { home, processes };
}

/** Has every process reserve as fast as it can, does something in the middle of it, and lets them go on after it. */
async function hammered(
  processes: readonly Product[],
  { order, after }: { readonly order: number; readonly after: number },
  meanwhile: () => Promise<unknown>,
): Promise<Hammered[]> {
  const flag = join(tempFolder(), "done");
  const hammering = processes.map((each) =>
    each.tell({ do: "hammer", request: REQUEST, flag, after, callers: 8 }),
  );
  await Promise.all(processes.map((each) => going(each, order)));
  await meanwhile();
  writeFileSync(flag, "");
  return Promise.all(hammering);
}

function expectStopped(seen: readonly Hammered[], ...codes: readonly string[]): void {
  for (const { early, late } of seen) {
    expect(early.admitted).toBeGreaterThan(0);
    expect(late.admitted).toBe(0);
    expect(Object.keys(late.codes).filter((code) => !codes.includes(code))).toEqual([]);
    expect(Object.values(late.codes).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(AFTER);
  }
}

describe("no call that begins after it is admitted, in any process, after", () => {
  const ada = { quotas: [PLENTY] };

  test.each<[string, string[], ...string[]]>([
    ["alpha emergency-stop on", ["emergency-stop", "on"], "emergency-stop"],
    ["alpha users suspend", ["users", "suspend", "ada"], "user-suspended"],
    [
      "alpha tiers set, to less",
      ["tiers", "set", "free", "--daily-tokens", "9"],
      "request-too-large",
      // While another call that was admitted before still holds its 10.
      "quota-exhausted",
    ],
    ["alpha tiers set, to nothing", ["tiers", "set", "free", "--daily-tokens", "0"], "quota-disabled"],
  ])("%s has returned", async (_, command, ...codes) => {
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

const ROUNDS = 15;
const STOP = { action: "stop", reason: null, actor: "olga", until: null } as const;
const EVERYTHING = { userId: null, tier: null, provider: null, model: null, feature: null } as const;

test("a stop is obeyed within milliseconds of its commit", async () => {
  const { home, processes } = await running(3, { quotas: [PLENTY] });
  const store = await openSqlite({ path: home.database, waitMs: 5_000 });
  onTestFinished(() => store.close());
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let committing = 0n;
    const seen = await hammered(processes, { order: 2 + round, after: 50 }, () =>
      store.write(async (tx) => {
        await tx.emergency.start({ ...STOP, ...EVERYTHING }, LATER);
        await tx.records.audited(auditEntry());
        committing = process.hrtime.bigint();
      }),
    );
    for (const { late } of seen) expect(late.admitted).toBe(0);
    // Negative where the last call that got through was answered before the commit.
    took.push(Math.max(...seen.map(({ last }) => Number(BigInt(last) - committing))) / 1e6);
    await store.write(async (tx) => {
      for (const { id } of await tx.emergency.active(LATER)) await tx.emergency.lift(id, LATER);
      await tx.records.audited(auditEntry());
    });
  }
  took.sort((a, b) => a - b);
  const [median = 0, most = 0] = [took[Math.floor(ROUNDS / 2)], took.at(-1)];
  console.log(
    `from the commit of a stop to the answer of the last call admitted before it, in ${processes.length} processes: ` +
      `median ${median.toFixed(2)} ms, most ${most.toFixed(2)} ms of ${ROUNDS}`,
  );
  expect(most).toBeLessThan(2_000);
});
