import { expect, test, vi } from "vitest";
import { emergencyOn } from "../../src/engine/emergency.js";
import { initialise } from "../../src/engine/init.js";
import { LimitsEngine } from "../../src/engine/limits.js";
import { removeAliases } from "../../src/engine/names.js";
import { setSetting } from "../../src/engine/settings.js";
import { setTier } from "../../src/engine/tiers.js";
import { addUsers, setSuspended } from "../../src/engine/users.js";
import { AlphaError } from "../../src/errors.js";
import { engineOn, type TestEngine } from "../support/engine-on.js";
import { everyStore, type Fresh } from "./describe-store.js";

const CALL = { tokens: 10, cost: 0 };

/** A product that fails open, what its operator works with, and what makes the product lose its database. */
async function product(fresh: Fresh) {
  const { store, open } = await fresh();
  const operator: TestEngine = engineOn(store);
  await initialise(operator, { timeZone: "UTC" });
  await addUsers(operator, [
    { id: "T-01", email: "ada@example.com", aliases: ["key-1"], tier: "pro" },
    { id: "T-02", email: "bob@example.com" },
    { id: "T-03", email: "cy@example.com", aliases: ["KEY-3", "key-3"] },
  ]);
  const own = await open();
  const limits = new LimitsEngine(engineOn(own), { failOpen: true });
  const code = async (user: string) => (await limits.check({ user, ...CALL })).code;
  const lose = () => {
    const away = new AlphaError("database", "the database is away");
    vi.spyOn(own.meter, "check").mockRejectedValue(away);
    vi.spyOn(own.meter, "preview").mockRejectedValue(away);
    vi.spyOn(own.meter, "commit").mockRejectedValue(away);
  };
  return { operator, limits, code, lose };
}

everyStore((fresh) => {
  test("without a database a stop of a tier or a tester holds for everybody who may be meant", async () => {
    const { operator, code, lose } = await product(fresh);
    await emergencyOn(operator, { tier: "pro" });
    await emergencyOn(operator, { user: "cy@example.com" });
    expect(await code("bob@example.com")).toBe("ok");
    expect(await code("nobody@example.com")).toBe("user-unknown");
    lose();
    expect(await code("bob@example.com")).toBe("store-unavailable");
    for (const unknown of ["ada@example.com", "cy@example.com", "nobody@example.com"]) {
      expect(await code(unknown)).toBe("emergency-stop");
    }
  });

  test("without a database a tester is known under the names that were seen, and their id", async () => {
    const { operator, code, lose } = await product(fresh);
    await emergencyOn(operator, { user: "T-01" });
    await setSuspended(operator, true, { user: "T-03" });
    await code("Bob@Example.com");
    await code("ada@example.com");
    await code("KEY-3");
    lose();
    for (const bob of ["Bob@Example.com", "bob@example.com", " BOB@EXAMPLE.COM ", "T-02"]) {
      expect(await code(bob)).toBe("store-unavailable");
    }
    for (const cy of ["KEY-3", "T-03"]) expect(await code(cy)).toBe("user-suspended");
    // It may be anybody's: aliases differ by case.
    for (const unseen of ["key-1", "key-3", "t-02"]) expect(await code(unseen)).toBe("emergency-stop");
  });

  test("without a database a name is nobody's once it was seen to be", async () => {
    const { operator, code, lose } = await product(fresh);
    await emergencyOn(operator, { user: "T-02" });
    expect(await code("key-1")).toBe("ok");
    await removeAliases(operator, { user: "T-01", aliases: ["key-1"] });
    expect(await code("key-1")).toBe("user-unknown");
    lose();
    expect(await code("key-1")).toBe("emergency-stop");
    expect(await code("T-01")).toBe("store-unavailable");
  });

  test("without a database a call is as large as with one", async () => {
    const { operator, limits, lose } = await product(fresh);
    await setTier(operator, "pro", { callTokens: 9_000 });
    await setSetting(operator, { key: "call_tokens", value: "400" });
    const asked = async (request: object) => {
      const { decision, reservation } = await limits.reserve({ user: "T-02", cost: 0, ...request });
      const { outcome, code, message, meter, period, limit, requested, maxTokens } = decision;
      return {
        outcome,
        code,
        message,
        meter,
        period,
        limit,
        requested,
        maxTokens,
        held: reservation?.tokens,
      };
    };
    const tooLarge = await asked({ tokens: 50_000 });
    expect(tooLarge).toMatchObject({ code: "request-too-large", limit: 400, held: undefined });
    await asked({ user: "T-01", tokens: 1 });
    lose();
    expect(await asked({ tokens: 50_000 })).toEqual(tooLarge);
    expect(await asked({ user: "somebody", tokens: 401 })).toMatchObject({ code: "request-too-large" });
    expect(await asked({ tokens: 400 })).toMatchObject({ outcome: "allow", held: 400 });
    expect(await asked({ maxTokens: 50_000 })).toMatchObject({
      outcome: "allow",
      code: "store-unavailable",
      message: "This call may use at most 400 tokens. You may go ahead.",
      maxTokens: 400,
      held: 400,
    });
    expect(await asked({ maxTokens: 300 })).toMatchObject({ message: "You may go ahead.", maxTokens: 300 });
    expect(await asked({ user: "T-01", maxTokens: 50_000 })).toMatchObject({ maxTokens: 9_000, held: 9_000 });
  });

  test("without a database a call is let through for whom it was asked, where they were seen", async () => {
    const { limits, code, lose } = await product(fresh);
    await code("key-1");
    lose();
    const handleOf = async (user: string) => (await limits.reserve({ user, ...CALL })).reservation?.handle;
    expect(await handleOf("key-1")).toMatchObject({ user: "T-01" });
    expect(await handleOf("key-9")).toMatchObject({ user: "key-9" });
  });
});
