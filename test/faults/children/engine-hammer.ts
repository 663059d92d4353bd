import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Quota } from "../../../src/domain/meter.js";
import type { Store } from "../../../src/engine/ports.js";
import { NOW } from "../../support/cli.js";
import { auditEntry, tempFolder } from "../../support/store.js";
import { going, type Product } from "./engine-parent.js";
import type { Hammered } from "./engine-product.js";

// The commands run on a clock of their own, which starts at NOW.
export const LATER = NOW + 60_000;
const REQUEST = { user: "ada", tokens: 10, cost: 1 };
export const AFTER = 1_000;
export const PLENTY: Quota = { meter: "tokens", period: "day", limit: 1_000_000_000 };

/** What stops ada, as a command, and by which codes she is then refused. */
export const STOPPING = [
  { what: "alpha emergency-stop on", command: ["emergency-stop", "on"], codes: ["emergency-stop"] },
  { what: "alpha users suspend", command: ["users", "suspend", "ada"], codes: ["user-suspended"] },
  {
    what: "alpha tiers set, to less",
    command: ["tiers", "set", "free", "--daily-tokens", "9"],
    // The second while another call that was admitted before still holds its 10.
    codes: ["request-too-large", "quota-exhausted"],
  },
  {
    what: "alpha tiers set, to nothing",
    command: ["tiers", "set", "free", "--daily-tokens", "0"],
    codes: ["quota-disabled"],
  },
];

/** Has every process reserve as fast as it can, does something in the middle of it, and lets them go on after it. */
export async function hammered(
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

export function expectStopped(seen: readonly Hammered[], ...codes: readonly string[]): void {
  for (const { early, late } of seen) {
    expect(early.admitted).toBeGreaterThan(0);
    expect(late.admitted).toBe(0);
    expect(Object.keys(late.codes).filter((code) => !codes.includes(code))).toEqual([]);
    expect(Object.values(late.codes).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(AFTER);
  }
}

const ROUNDS = 15;
const STOP = { action: "stop", reason: null, actor: "olga", until: null } as const;
const EVERYTHING = { userId: null, tier: null, provider: null, model: null, feature: null } as const;

/** Stops and lifts while processes reserve, and says how soon each stop was obeyed. */
export async function expectObeyed(store: Store, processes: readonly Product[]): Promise<void> {
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
}
