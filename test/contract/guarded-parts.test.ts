import { expect, test, vi } from "vitest";
import { type GuardContext, guard } from "../../src/engine/guard.js";
import { initialise } from "../../src/engine/init.js";
import { LimitsEngine, type LimitsRequest } from "../../src/engine/limits.js";
import { UnsettledError } from "../../src/engine/unsettled-error.js";
import { addUsers } from "../../src/engine/users.js";
import { AlphaError } from "../../src/errors.js";
import { engineOn } from "../support/engine-on.js";
import { everyStore, type Fresh } from "./describe-store.js";

const PART = { output: 100, cost: 0 };

/** A product whose database can be lost: before a batch is written, or between that and its answer. */
async function product(fresh: Fresh) {
  const { store, open, rows } = await fresh();
  const operator = engineOn(store);
  await initialise(operator, { timeZone: "UTC" });
  await addUsers(operator, [{ id: "T-01", email: "ada@example.com" }]);
  const own = await open();
  const limits = new LimitsEngine(engineOn(own));
  const commit = own.meter.commit.bind(own.meter);
  const away = new AlphaError("database", "the database is away", { hint: "try again with the same id" });
  let lost: "nothing" | "batches" | "answers" = "nothing";
  vi.spyOn(own.meter, "commit").mockImplementation(async (operations) => {
    if (lost === "batches") throw away;
    const outcomes = await commit(operations);
    if (lost === "answers") throw away;
    return outcomes;
  });
  const lose = (what: typeof lost) => {
    lost = what;
  };
  /** Hands a part over while the database is lost. */
  const lostPart = async (call: GuardContext, usage: Parameters<GuardContext["settlePart"]>[0] = PART) => {
    const error = await call.settlePart(usage).catch((failed: unknown) => failed);
    expect(error).toBeInstanceOf(UnsettledError);
    return error as UnsettledError;
  };
  const guarded = <T>(fn: (call: GuardContext) => T | Promise<T>, more: Partial<LimitsRequest> = {}) =>
    guard(limits, { user: "T-01", tokens: 300, cost: 0, ...more }, fn);
  /** What each row of the ledger counts, oldest first; and nothing is held any more. */
  const counted = async () => {
    expect(await rows("hold")).toEqual([]);
    return (await rows("usage_event")).map(({ output }) => Number(output));
  };
  return { limits, lose, lostPart, guarded, counted, rows };
}

const LOST = ["batches", "answers"] as const;

everyStore((fresh) => {
  test.each(LOST)("a part of which %s get lost is counted once by its error's retry", async (lost) => {
    const { lose, lostPart, guarded, counted } = await product(fresh);
    await guarded(async (call) => {
      const usage = { ...PART };
      lose(lost);
      const error = await lostPart(call, usage);
      expect(error).toMatchObject({
        code: "database",
        message: "a part of the call may not have been written",
        handle: call.handle,
        usage: PART,
        part: 1,
      });
      expect(error.hint).toContain("handed over again, it counts again");
      usage.output = 999;
      await expect(error.retry()).rejects.toMatchObject({ code: "database" });
      lose("nothing");
      const status = lost === "answers" ? "duplicate" : "inserted";
      expect(await error.retry()).toMatchObject({ status });
      expect(await error.retry()).toMatchObject({ status: "duplicate" });
      expect(await call.settlePart({ output: 20, cost: 0 })).toMatchObject({ status: "inserted" });
      call.report({ output: 7, cost: 0 });
    });
    expect(await counted()).toEqual([100, 20, 7]);
  });

  test.each(LOST)("parts of which %s get lost are counted once by the end of the call", async (lost) => {
    const { lose, lostPart, guarded, counted } = await product(fresh);
    await guarded(async (call) => {
      lose(lost);
      await lostPart(call);
      await lostPart(call);
      lose("nothing");
    });
    // What they leave of the hold is charged.
    expect((await counted()).sort()).toEqual([100, 100, 100]);
  });

  test("what parts cost is taken off the cost that the request stated, whoever got their answers", async () => {
    const { lose, lostPart, guarded, rows } = await product(fresh);
    const cost = 50_000_000;
    await guarded(
      async (call) => {
        lose("answers");
        await lostPart(call, { output: 100 });
        await lostPart(call, { output: 50, cost: 5_000_000 });
        lose("nothing");
      },
      { cost },
    );
    const costs = (await rows("usage_event")).map((row) => Number(row.cost) + Number(row.assumed));
    // A tenth of a dollar for 1,000 tokens that have no price.
    expect(costs).toEqual([10_000_000, 5_000_000, 35_000_000]);
  });

  test("where the end cannot be written either, its retry writes all of it", async () => {
    const { lose, lostPart, guarded, counted } = await product(fresh);
    const error = await guarded(async (call) => {
      lose("answers");
      await lostPart(call);
      return "text";
    }).catch((failed: unknown) => failed);
    expect(error).toBeInstanceOf(UnsettledError);
    expect(error).toMatchObject({ value: "text", part: null, usage: { output: 200 } });
    lose("batches");
    await expect((error as UnsettledError).retry()).rejects.toMatchObject({ code: "database" });
    lose("answers");
    await expect((error as UnsettledError).retry()).rejects.toMatchObject({ code: "database" });
    lose("nothing");
    await (error as UnsettledError).retry();
    await (error as UnsettledError).retry();
    expect(await counted()).toEqual([100, 200]);
  });

  test("a call that its part's error ends is charged with what the part left", async () => {
    const { lose, guarded, counted } = await product(fresh);
    const call = guarded(async ({ settlePart }) => {
      lose("answers");
      await settlePart(PART).finally(() => lose("nothing"));
    });
    await expect(call).rejects.toMatchObject({ part: 1 });
    expect(await counted()).toEqual([100, 200]);
  });

  test("a call that never began gives back what its parts left", async () => {
    const { lose, lostPart, guarded, counted } = await product(fresh);
    const call = guarded(async (context) => {
      lose("batches");
      await lostPart(context);
      lose("nothing");
      context.neverBegan();
      throw new Error("provider");
    });
    await expect(call).rejects.toThrow("provider");
    expect(await counted()).toEqual([100]);
  });

  test("a part that was refused is not counted, and not tried again", async () => {
    const { guarded, counted } = await product(fresh);
    await guarded(async (call) => {
      await expect(call.settlePart({ ...PART, output: -1 })).rejects.toMatchObject({ code: "usage" });
      await expect(call.settlePart({ ...PART, providerId: "r-1" })).rejects.toMatchObject({ code: "usage" });
      await call.settlePart(PART);
    });
    expect(await counted()).toEqual([100, 200]);
  });

  test("parts that nobody waits for are counted with the end", async () => {
    const { guarded, counted } = await product(fresh);
    await guarded((call) => {
      void call.settlePart(PART);
      void call.settlePart({ output: 50, cost: 0 });
    });
    expect((await counted()).sort()).toEqual([100, 150, 50]);
  });

  test("a report that comes after the end is told so, and changes nothing", async () => {
    const { guarded, counted } = await product(fresh);
    let late: GuardContext | undefined;
    await guarded((call) => {
      late = call;
      expect(call.report({ output: 9, cost: 0 })).toBe(true);
    });
    expect(late?.report({ output: 10, cost: 0 })).toBe(false);
    expect(await counted()).toEqual([9]);
  });
});
