import { expect, test } from "vitest";
import { initialise } from "../../src/engine/init.js";
import { LimitsEngine } from "../../src/engine/limits.js";
import { addAliases, removeAliases } from "../../src/engine/names.js";
import { addUsers } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { reserve } from "../support/store.js";
import { everyStore, type Fresh } from "./describe-store.js";

const CALL = { tokens: 100, cost: 0 };

async function product(fresh: Fresh) {
  const { store, open, rows } = await fresh();
  const operator = engineOn(store);
  await initialise(operator, { timeZone: "UTC" });
  await addUsers(operator, [
    { id: "T-01", email: "ada@example.com", aliases: ["key-1"] },
    { id: "T-02", email: "bob@example.com" },
  ]);
  const own = await open();
  const limits = new LimitsEngine(engineOn(own));
  const state = async (user: string) => {
    const { used, held } = await limits.check({ user, ...CALL });
    return { used, held };
  };
  return { operator, own, limits, state, rows };
}

everyStore((fresh) => {
  test("a call is settled for whom it was let through, whosever its alias is then", async () => {
    const { operator, limits, state, rows } = await product(fresh);
    const asked = await Promise.all([1, 2, 3].map(() => limits.reserve({ user: "key-1", ...CALL })));
    const [first, second, third] = asked.map(({ reservation }) => reservation!.handle);
    expect(first).toMatchObject({ user: "T-01" });

    await removeAliases(operator, { user: "T-01", aliases: ["key-1"] });
    expect(await limits.settle(first!, { output: 60, cost: 0 })).toMatchObject({ status: "inserted" });
    await addAliases(operator, { user: "T-02", aliases: ["key-1"] });
    await limits.settlePart(second!, { output: 30, cost: 0 }, { part: 1 });
    expect(await limits.extend(second!, 60_000)).toBe(true);
    await limits.settle(second!, { output: 10, cost: 0 });
    await limits.release(third!);

    expect(await state("T-01")).toEqual({ used: 100, held: 0 });
    expect(await state("key-1")).toEqual({ used: 0, held: 0 });
    expect(await rows("hold")).toEqual([]);
  });

  test("a reservation says whom it holds for, under whatever name they were asked for", async () => {
    const { own } = await product(fresh);
    const outcomes = await own.meter.commit([
      reserve("1", {}, "ADA@example.com"),
      reserve("1", {}, "key-1"),
      reserve("2", { tokens: 5_000 }, "key-1"),
      reserve("3", {}, "nobody"),
    ]);
    expect(outcomes).toMatchObject([
      { hold: { id: "1" }, user: "T-01" },
      { hold: { id: "1" }, user: "T-01" },
      { hold: null },
      { hold: null },
    ]);
  });
});
