import { describe, expect, it, onTestFinished } from "vitest";
import { type Limits, openLimits, type ReservationHandle } from "../../src/index.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { freshHome, type Home, NOW } from "../support/cli.js";
import { change, T0 } from "../support/store.js";

const CALL = { user: "ada", cost: 1_000 };

async function opened({
  callTokens = null as number | null,
  now = () => NOW,
} = {}): Promise<{ home: Home; limits: Limits }> {
  const home = freshHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada"]);
  await setCeiling(home, callTokens);
  const limits = await openLimits({ database: home.database, now });
  onTestFinished(() => limits.close());
  return { home, limits };
}

async function setCeiling(home: Home, callTokens: number | null): Promise<void> {
  const store = await openSqlite({ path: home.database, waitMs: 5_000 });
  await change(store, (tx) => tx.settings.set("call_tokens", callTokens, T0));
  await store.close();
}

async function reserved(limits: Limits, request = {}): Promise<ReservationHandle> {
  const { reservation } = await limits.reserve({ ...CALL, tokens: 300, ...request });
  expect(reservation).not.toBeNull();
  return reservation?.handle as ReservationHandle;
}

describe("maxTokens", () => {
  it("is granted as it is where nothing is in the way", async () => {
    const { limits } = await opened();
    const { decision, reservation } = await limits.reserve({ ...CALL, maxTokens: 300 });
    expect(decision).toMatchObject({ outcome: "allow", code: "ok", maxTokens: 300, granted: 300 });
    expect(decision.message).not.toContain("at most");
    expect(reservation?.tokens).toBe(300);
  });

  it("is clamped to the ceiling of one call, and says so", async () => {
    const { limits } = await opened({ callTokens: 250 });
    const { decision, reservation } = await limits.reserve({ ...CALL, maxTokens: 100_000 });
    expect(decision).toMatchObject({ outcome: "allow", maxTokens: 250, requested: 250, granted: 250 });
    expect(decision.message).toMatch(
      /^This call may use at most 250 tokens\. You have 750 tokens of 1,000 left/,
    );
    expect(reservation?.tokens).toBe(250);
    expect((await limits.check({ ...CALL, tokens: 1 })).held).toBe(250);
  });

  it("is clamped to what the tightest quota for tokens has left", async () => {
    const { limits } = await opened();
    await reserved(limits, { tokens: 600 });
    await limits.record("ada", { output: 100, cost: 0 });
    const { decision, reservation } = await limits.reserve({ ...CALL, maxTokens: 100_000 });
    expect(decision).toMatchObject({ outcome: "warn", code: "near-limit", maxTokens: 300 });
    expect(reservation?.tokens).toBe(300);
    // All of it is held now.
    expect(await limits.check({ ...CALL, maxTokens: 5 })).toMatchObject({ code: "quota-exhausted" });
    expect(await limits.check({ ...CALL, maxTokens: 5 })).not.toHaveProperty("maxTokens");
  });

  it("is clamped to what the budget that is left pays for, beside the images", async () => {
    const { home, limits } = await opened();
    await home.ok(["tiers", "set", "free", "--daily-tokens", "unlimited", "--daily-images", "unlimited"]);
    await limits.record("ada", { cost: 9_490_000_000 });
    // Of $10.00 a month $0.51 are left: 5,100 tokens at $0.10 per 1,000, or half as many beside five images.
    expect((await limits.check({ user: "ada", maxTokens: 100_000 })).maxTokens).toBe(5_100);
    const { decision, reservation } = await limits.reserve({ user: "ada", maxTokens: 100_000, images: 5 });
    expect(decision).toMatchObject({
      outcome: "warn",
      meter: "cost",
      granted: 510_000_000,
      maxTokens: 2_600,
    });
    expect(reservation).toMatchObject({ tokens: 2_600, cost: 510_000_000 });
  });

  it("of which nothing can be paid for is refused", async () => {
    const { home, limits } = await opened();
    await home.ok(["tiers", "set", "free", "--daily-images", "unlimited"]);
    await limits.record("ada", { cost: 9_000_000_000 });
    const decision = await limits.check({ user: "ada", maxTokens: 500, images: 100 });
    expect(decision).toMatchObject({ code: "request-too-large", meter: "cost" });
  });

  it("cannot be said together with tokens", async () => {
    const { limits } = await opened();
    await expect(limits.check({ ...CALL, tokens: 1, maxTokens: 1 })).rejects.toMatchObject({ code: "usage" });
    await expect(limits.check({ ...CALL, maxTokens: -1 })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("the ceiling of one call", () => {
  it("refuses tokens above it, and admits as many as it says", async () => {
    const { limits } = await opened({ callTokens: 200 });
    expect(await limits.check({ ...CALL, tokens: 200 })).toMatchObject({ outcome: "allow" });
    const { decision, reservation } = await limits.reserve({ ...CALL, tokens: 201 });
    expect(decision).toMatchObject({
      outcome: "block",
      code: "request-too-large",
      meter: "tokens",
      period: null,
      limit: 200,
      requested: 201,
      granted: 0,
      remaining: 200,
    });
    expect(decision.message).toBe("This call asks for 201 tokens, but one call may use at most 200 tokens.");
    expect(reservation).toBeNull();
  });

  it("does not hide that a quota is used up", async () => {
    const { limits } = await opened({ callTokens: 200 });
    await limits.record("ada", { output: 950, cost: 0 });
    expect((await limits.check({ ...CALL, tokens: 201 })).code).toBe("quota-exhausted");
  });

  it("is the tier's, where the tier has one", async () => {
    const { home, limits } = await opened({ callTokens: 200 });
    const most = async () => (await limits.check({ ...CALL, maxTokens: 900 })).maxTokens;
    await home.ok(["tiers", "set", "free", "--call-tokens", "500"]);
    expect(await most()).toBe(500);
    await home.ok(["tiers", "set", "free", "--call-tokens", "unlimited"]);
    expect(await most()).toBe(900);
    await home.ok(["tiers", "set", "free", "--call-tokens", "setting"]);
    expect(await most()).toBe(200);
  });
});

describe("checkMany", () => {
  it("decides in order, each as if those before it were reserved, and reserves nothing", async () => {
    const { home, limits } = await opened();
    const codes = (await limits.checkMany([
      { ...CALL, tokens: 600 },
      { ...CALL, tokens: 600 },
      { ...CALL, tokens: 350 },
      { ...CALL, tokens: 1 },
      { user: "nobody", tokens: 1 },
    ])) as { code: string; held: number }[];
    expect(codes.map(({ code, held }) => [code, held])).toEqual([
      ["ok", 0],
      ["request-too-large", 600],
      ["near-limit", 600],
      ["quota-exhausted", 950],
      ["user-unknown", 0],
    ]);
    expect((await limits.check({ ...CALL, tokens: 600 })).held).toBe(0);
    expect(await limits.checkMany([])).toEqual([]);
    expect(await home.json(["usage", "events"])).toEqual([]);
  });

  it("refuses them all when one makes no sense", async () => {
    const { limits } = await opened();
    const asked = limits.checkMany([
      { ...CALL, tokens: 1 },
      { ...CALL, tokens: 0.5 },
    ]);
    await expect(asked).rejects.toMatchObject({ code: "usage" });
  });
});

describe("settlePart", () => {
  /** What is held and used of tokens, of requests and of cost. */
  async function standing(limits: Limits) {
    const { quotas } = await limits.check({ ...CALL, tokens: 0, images: 0 });
    return Object.fromEntries(quotas.map(({ meter, used, held }) => [meter, [used, held]]));
  }

  async function withRequests(now = () => NOW) {
    const both = await opened({ now });
    await both.home.ok(["tiers", "set", "free", "--daily-requests", "10"]);
    return both;
  }

  it("moves what was used from the hold into the usage, and the end settles the rest", async () => {
    const { home, limits } = await withRequests();
    const handle = await reserved(limits);
    await limits.settlePart(handle, { output: 100, cost: 400 }, { part: 1 });
    expect(await standing(limits)).toMatchObject({ tokens: [100, 200], requests: [1, 0], cost: [400, 600] });
    await limits.settlePart(handle, { output: 250, cost: 100 }, { part: 2 });
    // It used more than it held: nothing is held below nothing.
    expect(await standing(limits)).toMatchObject({ tokens: [350, 0], requests: [1, 0], cost: [500, 500] });
    await limits.settle(handle, { input: 50, cost: 7, providerId: "resp-1" });
    expect(await standing(limits)).toMatchObject({ tokens: [400, 0], requests: [1, 0], cost: [507, 0] });
    const ids = (await home.json(["usage", "events"])).map((event: { id: string }) => event.id);
    expect(ids).toEqual([handle.id, `${handle.id}#2`, `${handle.id}#1`]);
  });

  it("counts each part once, however often it is tried, and the settle too", async () => {
    const { limits } = await withRequests();
    const handle = await reserved(limits);
    const part = () => limits.settlePart(handle, { output: 100, cost: 400 }, { part: 1 });
    expect(await part()).toMatchObject({ status: "inserted", cost: 400 });
    expect((await part()).status).toBe("duplicate");
    expect(await standing(limits)).toMatchObject({ tokens: [100, 200], cost: [400, 600] });
    const end = () => limits.settle(handle, { output: 1, cost: 0 });
    expect((await end()).status).toBe("inserted");
    expect((await end()).status).toBe("duplicate");
    expect((await part()).status).toBe("duplicate");
    expect(await standing(limits)).toMatchObject({ tokens: [101, 0], requests: [1, 0], cost: [400, 0] });
  });

  it("counts one request when the hold has expired in between, also from another process", async () => {
    let now = NOW;
    const { home, limits } = await withRequests(() => now);
    const handle = await reserved(limits);
    await limits.settlePart(handle, { output: 10, cost: 0 }, { part: 1, holdForMs: 1 });
    now += 3_600_000;
    const other = await openLimits({ database: home.database, now: () => now });
    onTestFinished(() => other.close());
    await other.settle(handle, { output: 10, cost: 0 });
    expect(await standing(limits)).toMatchObject({ tokens: [20, 0], requests: [1, 0] });
  });

  it("counts one request when all arrives in one batch", async () => {
    const { limits } = await withRequests();
    const handle = await reserved(limits);
    await Promise.all([
      limits.settlePart(handle, { output: 10, cost: 0 }, { part: 1 }),
      limits.settlePart(handle, { output: 10, cost: 0 }, { part: 2 }),
      limits.settle(handle, { output: 10, cost: 0 }),
    ]);
    expect(await standing(limits)).toMatchObject({ tokens: [30, 0], requests: [1, 0] });
  });

  it("keeps the reservation alive", async () => {
    let now = NOW;
    const { limits } = await opened({ now: () => now });
    const { reservation } = await limits.reserve({ ...CALL, tokens: 300 }, { holdForMs: 1_000 });
    now += 900;
    await limits.settlePart(
      reservation?.handle as never,
      { output: 1, cost: 0 },
      { part: 1, holdForMs: 5_000 },
    );
    now += 4_999;
    expect((await limits.check({ ...CALL, tokens: 1 })).held).toBe(299);
    now += 1;
    expect((await limits.check({ ...CALL, tokens: 1 })).held).toBe(0);
  });

  it.each([
    [{ output: 1 }, { part: 0 }],
    [{ output: 1 }, { part: 1.5 }],
    [{ output: -1 }, { part: 1 }],
    [{ output: 1, providerId: "resp" }, { part: 1 }],
  ])("refuses %j as %j", async (usage, part) => {
    const { limits } = await opened();
    const handle = await reserved(limits);
    await expect(limits.settlePart(handle, usage, part)).rejects.toMatchObject({ code: "usage" });
    expect((await limits.check({ ...CALL, tokens: 1 })).held).toBe(300);
  });

  it("in guard: what is not reported in the end is charged as what is left of the hold", async () => {
    const { home, limits } = await opened();
    await limits.guard({ ...CALL, tokens: 300 }, async (call) => {
      await call.settlePart({ output: 100, cost: 400 });
      await call.settlePart({ input: 50, cost: 100 });
    });
    const events = await home.json(["usage", "events"]);
    expect(events).toMatchObject([
      { output_tokens: 150, estimated: true, cost: { nanos: 500 } },
      { input_tokens: 50, estimated: false },
      { output_tokens: 100, estimated: false },
    ]);
  });
});

describe("an AbortSignal", () => {
  const request = { ...CALL, tokens: 300 };

  it("that is aborted already reserves nothing and runs nothing", async () => {
    const { home, limits } = await opened();
    let ran = false;
    const call = limits.guard(
      request,
      () => {
        ran = true;
      },
      { signal: AbortSignal.abort(new Error("gone")) },
    );
    await expect(call).rejects.toThrow("gone");
    expect(ran).toBe(false);
    expect(await home.json(["usage", "events"])).toEqual([]);
    expect((await limits.check(request)).held).toBe(0);
  });

  it("aborted while the reservation is made gives it back and runs nothing", async () => {
    const { home, limits } = await opened();
    const controller = new AbortController();
    let ran = false;
    const call = limits.guard(
      request,
      () => {
        ran = true;
      },
      { signal: controller.signal },
    );
    controller.abort(new Error("gone"));
    await expect(call).rejects.toThrow("gone");
    expect(ran).toBe(false);
    expect(await home.json(["usage", "events"])).toEqual([]);
    expect((await limits.check(request)).held).toBe(0);
  });

  it("aborted while the call runs charges the hold as an estimate", async () => {
    const { home, limits } = await opened();
    const controller = new AbortController();
    const call = limits.guard(
      request,
      ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          controller.abort(new Error("gone"));
        }),
      { signal: controller.signal },
    );
    await expect(call).rejects.toThrow("gone");
    expect(await home.json(["usage", "events"])).toMatchObject([{ output_tokens: 300, estimated: true }]);
  });
});
