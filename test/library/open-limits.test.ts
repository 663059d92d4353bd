import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AlphaError, openLimits, UnsettledError } from "../../src/index.js";
import { freshHome, type Home, NOW } from "../support/cli.js";
import { opened } from "../support/opened-limits.js";

const REQUEST = { user: "ada@example.com", tokens: 300, cost: 1_000, feature: "blog_writer" };

/** What the ledger holds, oldest first. */
async function ledger(home: Home) {
  return (await home.json(["usage", "events"])).reverse();
}

describe("the library", () => {
  it("decides as the command line does", async () => {
    const { home, limits } = await opened();
    for (const tokens of [799, 800, 1_000, 1_001]) {
      const decision = await limits.check({ user: "ada", tokens });
      const { code, stdout } = await home.run(["check", "ada", "--tokens", String(tokens), "--json"]);
      const printed = JSON.parse(stdout).data;
      expect(printed).toMatchObject({
        outcome: decision.outcome,
        code: decision.code,
        message: decision.message,
        remaining: decision.remaining,
      });
      expect(code).toBe(decision.outcome === "block" ? 4 : 0);
    }
  });

  it("holds until it is settled, and counts what was used", async () => {
    const { home, limits } = await opened();
    const first = await limits.reserve({ ...REQUEST, tokens: 600 });
    expect((await limits.reserve({ ...REQUEST, tokens: 600 })).decision.code).toBe("request-too-large");
    const settled = await limits.settle(first.reservation?.handle as never, {
      input: 20,
      output: 30,
      cost: 77,
    });
    expect(settled).toMatchObject({ status: "inserted", cost: 77 });
    expect((await limits.check(REQUEST)).used).toBe(50);
    expect(await ledger(home)).toHaveLength(1);
  });

  it("settles twice as once, also later, when the time was not given", async () => {
    let now = NOW;
    const { limits } = await opened({ now: () => now });
    const { reservation } = await limits.reserve(REQUEST);
    const handle = reservation?.handle as never;
    await limits.settle(handle, { output: 10, cost: 1 });
    now += 5_000;
    expect((await limits.settle(handle, { output: 10, cost: 1 })).status).toBe("duplicate");
  });

  it("gives back what is released or expires, and extends what is alive", async () => {
    let now = NOW;
    const { limits } = await opened({ now: () => now });
    const held = async () => (await limits.check({ user: "ada", tokens: 1 })).held;
    const released = await limits.reserve(REQUEST);
    expect(await held()).toBe(300);
    await limits.release(released.reservation?.handle as never);
    expect(await held()).toBe(0);
    const long = await limits.reserve(REQUEST, { holdForMs: 1_000 });
    now += 900;
    expect(await limits.extend(long.reservation?.handle as never, 5_000)).toBe(true);
    now += 4_999;
    expect(await held()).toBe(300);
    now += 1;
    expect(await held()).toBe(0);
    expect(await limits.extend(long.reservation?.handle as never)).toBe(false);
  });

  it("admits exactly what fits when everybody asks at once", async () => {
    const { limits } = await opened();
    const asked = await Promise.all(
      Array.from({ length: 200 }, () => limits.reserve({ user: "ada", tokens: 10, cost: 1 })),
    );
    // 95 reservations of 10 reach Free's 950, from where nothing more is admitted.
    expect(asked.filter(({ reservation }) => reservation !== null)).toHaveLength(95);
  });

  it("obeys a stop that another process turned on, at once", async () => {
    const { home, limits } = await opened();
    expect((await limits.check(REQUEST)).outcome).toBe("allow");
    await home.ok(["emergency-stop", "on"]);
    expect((await limits.check(REQUEST)).code).toBe("emergency-stop");
    await home.ok(["emergency-stop", "off"]);
    expect((await limits.check(REQUEST)).outcome).toBe("allow");
  });

  it("answers the others of a batch when one of them makes no sense", async () => {
    const { limits } = await opened();
    const [bad, good] = await Promise.allSettled([
      limits.record("ada", { input: -1 }),
      limits.record("ada", { input: 5, cost: 0 }),
    ]);
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "usage" } });
    expect(good).toMatchObject({ status: "fulfilled", value: { status: "inserted" } });
  });

  it("refuses a database that is not there, and says so", async () => {
    const { path } = freshHome();
    await expect(openLimits({ database: join(path, "none.db") })).rejects.toMatchObject({
      code: "database",
      hint: expect.stringContaining("alpha init"),
    });
    await expect(openLimits({ database: "" })).rejects.toBeInstanceOf(AlphaError);
  });

  it.each([
    [{ waitMs: Number.NaN }, /^waitMs of openLimits must be a number of milliseconds/],
    [{ waitMs: -1 }, /^waitMs/],
    [{ waitMs: Number.POSITIVE_INFINITY }, /^waitMs/],
    [{ waitMs: 86_400_001 }, /^waitMs/],
    [{ waitMs: "2000" }, /^waitMs/],
    [{ waitMs: null }, /^waitMs/],
    [{ now: 5 }, /^now of openLimits must be a function/],
    [{ failOpen: "no" }, /^failOpen of openLimits must be true or false$/],
    [{ messageZone: "" }, /^messageZone/],
    [{ messageZone: "Mars/Olympus" }, /Mars\/Olympus/],
    [{ message: "Enough." }, /^message of openLimits must be a function/],
    [{ waitms: 5 }, /^openLimits has no option "waitms"$/],
    [{ toString: 5 }, /^openLimits has no option "toString"$/],
    [{ database: ["alpha.db"] }, /^openLimits needs the path/],
  ])("refuses %j before anything is opened", async (options, message) => {
    const { database } = freshHome();
    // There is no such database, which would be said if it was looked for.
    const opening = openLimits({ database, ...options } as never);
    await expect(opening).rejects.toMatchObject({ code: "usage", message: expect.stringMatching(message) });
  });

  it("refuses to open nothing at all", async () => {
    for (const nothing of [undefined, null, "alpha.db"]) {
      await expect(openLimits(nothing as never)).rejects.toMatchObject({ code: "usage" });
    }
  });

  it("takes options that are undefined for left out", async () => {
    const { home } = await opened();
    const left = { now: undefined, waitMs: undefined, failOpen: undefined, messageZone: undefined };
    const limits = await openLimits({ database: home.database, ...left, message: undefined } as never);
    await limits.close();
  });
});

describe("guard", () => {
  it("counts what is reported and returns the value", async () => {
    const { home, limits } = await opened();
    const result = await limits.guard(REQUEST, (call) => {
      call.report({ input: 1, output: 2, cost: 3 });
      return "text";
    });
    expect(result).toMatchObject({
      admitted: true,
      value: "text",
      recorded: { status: "inserted", cost: 3 },
    });
    expect(await ledger(home)).toMatchObject([{ input_tokens: 1, output_tokens: 2, estimated: false }]);
  });

  it("does not run what is blocked", async () => {
    const { limits } = await opened();
    let ran = false;
    const result = await limits.guard({ ...REQUEST, tokens: 2_000 }, () => {
      ran = true;
    });
    expect(result).toMatchObject({ admitted: false, decision: { code: "request-too-large" } });
    expect(ran).toBe(false);
  });

  it("does not run again what was settled under the same id, whatever it would find", async () => {
    const { home, limits } = await opened();
    let runs = 0;
    const call = () =>
      limits.guard(
        REQUEST,
        (context) => {
          runs += 1;
          context.report({ output: 250, cost: 3 });
        },
        { id: "order-7" },
      );
    expect(await call()).toMatchObject({ admitted: true, recorded: { status: "inserted" } });
    const settled = { admitted: false, decision: { outcome: "block", code: "already-settled" } };
    expect(await call()).toMatchObject(settled);
    await home.ok(["users", "suspend", "ada"]);
    expect(await call()).toMatchObject(settled);
    expect(runs).toBe(1);
    expect(await ledger(home)).toHaveLength(1);
    expect((await limits.check(REQUEST)).held).toBe(0);
  });

  it("runs again under the same id what failed before anything was used", async () => {
    const { limits } = await opened();
    const failed = limits.guard(
      REQUEST,
      (context) => {
        context.neverBegan();
        throw new Error("provider");
      },
      { id: "order-8" },
    );
    await expect(failed).rejects.toThrow("provider");
    const again = await limits.guard(REQUEST, (context) => context.report({ output: 1 }), { id: "order-8" });
    expect(again).toMatchObject({ admitted: true, recorded: { status: "inserted" } });
  });

  it.each([
    ["charges the hold when nothing is reported", {}, () => "done", 1],
    [
      "charges the hold when the call fails",
      {},
      () => {
        throw new Error("provider");
      },
      1,
    ],
    [
      "releases when the provider never began",
      {},
      (call: { neverBegan(): void }) => {
        call.neverBegan();
        throw new Error("provider");
      },
      0,
    ],
    [
      "releases when it fails before it said that the provider began",
      { beginsExplicitly: true },
      () => {
        throw new Error("provider");
      },
      0,
    ],
    [
      "charges when it fails after it said so",
      { beginsExplicitly: true },
      (call: { began(): void }) => {
        call.began();
        throw new Error("provider");
      },
      1,
    ],
  ])("%s", async (_name, options, fn, charged) => {
    const { home, limits } = await opened();
    await limits.guard(REQUEST, fn as never, options).catch((error: Error) => {
      expect(error.message).toBe("provider");
    });
    const events = await ledger(home);
    expect(events).toHaveLength(charged);
    if (charged > 0)
      expect(events[0]).toMatchObject({ output_tokens: 300, estimated: true, cost: { nanos: 1_000 } });
    expect((await limits.check(REQUEST)).held).toBe(0);
  });

  it("refuses a report that makes no sense where it is made, and charges the hold", async () => {
    const { home, limits } = await opened();
    const failed = limits.guard(REQUEST, (call) => {
      expect(call.decision).toMatchObject({ outcome: "allow", requested: 300 });
      call.report({ output: -7 });
    });
    await expect(failed).rejects.toMatchObject({ code: "usage", message: expect.stringContaining("-7") });
    expect(await ledger(home)).toMatchObject([{ output_tokens: 300, estimated: true }]);
  });

  it("hands back the value and a retry when the usage cannot be written", async () => {
    const { home, limits } = await opened();
    const failed = await limits
      .guard(REQUEST, async (call) => {
        call.report({ output: 7, cost: 1 });
        await limits.close();
        return "text";
      })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(UnsettledError);
    expect(failed).toMatchObject({ value: "text", usage: { output: 7 } });
    const again = await openLimits({ database: home.database, now: () => NOW });
    onTestFinished(() => again.close());
    const { handle, usage } = failed as UnsettledError;
    expect((await again.settle(handle, usage)).status).toBe("inserted");
  });
});

it("closed before it was used, it opens nothing: every call says so", async () => {
  const { limits } = await opened();
  await limits.close();
  const closed = expect.stringMatching(/the database .* was closed/);
  expect(await limits.check(REQUEST)).toMatchObject({ code: "store-unavailable", cause: closed });
  expect(await limits.reserve(REQUEST)).toMatchObject({ decision: { cause: closed }, reservation: null });
  await expect(limits.record("ada", { output: 1 })).rejects.toMatchObject({
    code: "database",
    message: closed,
  });
  await limits.close();
});
