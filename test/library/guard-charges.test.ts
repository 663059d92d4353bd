import { describe, expect, it } from "vitest";
import { UnsettledError } from "../../src/index.js";
import type { Home } from "../support/cli.js";
import { opened } from "../support/opened-limits.js";

/** A model that the price book does not know. */
const CALL = { user: "ada", tokens: 300, provider: "azure", model: "our-model-7b" };

/** What the ledger holds, oldest first. */
async function ledger(home: Home) {
  return (await home.json(["usage", "events"])).reverse();
}

const failing = () => {
  throw new Error("provider");
};

describe("what is charged for a call that does not say what it used", () => {
  it("has no price where its model has none, and is priced once there is one", async () => {
    const { home, limits } = await opened();
    await limits.guard(CALL, () => "done");
    const charged = { output_tokens: 300, estimated: true, priced_by: "none", unpriced: true };
    expect(await ledger(home)).toMatchObject([{ ...charged, cost: null }]);
    await home.ok([
      "prices",
      "set",
      "our-model-7b",
      "--input",
      "1",
      "--output",
      "10",
      "--from",
      "2026-11-01",
    ]);
    await home.ok(["usage", "reprice", "--yes"]);
    const [priced, ...corrections] = await ledger(home);
    expect(priced).toMatchObject(charged);
    expect(corrections).toMatchObject([{ priced_by: "own", cost: { nanos: 3_000_000 } }]);
  });

  it("is never known to be free because the unpriced is ignored", async () => {
    const { home, limits } = await opened();
    await home.ok(["settings", "set", "unpriced", "ignore"]);
    await limits.guard(CALL, () => "done");
    expect(await ledger(home)).toMatchObject([{ priced_by: "none", unpriced: true, estimated: true }]);
  });

  it("is priced by the book where the book knows the model", async () => {
    const { home, limits } = await opened();
    await limits.guard({ ...CALL, provider: "openai", model: "gpt-4o-mini" }, () => "done");
    // 300 tokens of output at $0.60 per million.
    expect(await ledger(home)).toMatchObject([{ priced_by: "book", cost: { nanos: 180_000 } }]);
  });

  it("costs what the request stated, less what its parts cost", async () => {
    const { home, limits } = await opened();
    await limits.guard({ ...CALL, cost: 1_000 }, async (call) => {
      await call.settlePart({ output: 100, cost: 400 });
    });
    const [, rest] = await ledger(home);
    expect(rest).toMatchObject({ output_tokens: 200, priced_by: "log", cost: { nanos: 600 } });
  });

  it("is what its parts left of the hold, priced as any usage", async () => {
    const { home, limits } = await opened();
    await limits.guard({ ...CALL, images: 2 }, async (call) => {
      await call.settlePart({ input: 50, output: 100, images: 1 });
    });
    const [, rest] = await ledger(home);
    expect(rest).toMatchObject({ output_tokens: 150, images: 1, priced_by: "none", estimated: true });
  });

  it.each([
    ["a call that threw", undefined, "error"],
    ["a call that reported and threw", { output: 7 }, "error"],
    ["a call that threw and says what became of it", { output: 7, status: "cancelled" }, "cancelled"],
  ])("%s is entered with its status", async (_, usage, status) => {
    const { home, limits } = await opened();
    const call = limits.guard(CALL, (context) => {
      if (usage !== undefined) context.report(usage);
      failing();
    });
    await expect(call).rejects.toThrow("provider");
    expect(await ledger(home)).toMatchObject([{ status, estimated: usage === undefined }]);
  });

  it("a call that returned is entered as ok", async () => {
    const { home, limits } = await opened();
    await limits.guard(CALL, () => "done");
    expect(await ledger(home)).toMatchObject([{ status: "ok" }]);
  });
});

describe("usage that cannot be written, and not because of the database", () => {
  it("keeps the code and the advice of what refused it", async () => {
    const { home, limits } = await opened();
    const failed = await limits
      .guard(CALL, async (call) => {
        call.report({ output: 7 });
        await limits.release(call.handle);
        await home.ok(["users", "remove", "ada", "--yes"]);
        await home.ok(["users", "erase", "ada", "--yes"]);
        return "text";
      })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(UnsettledError);
    expect(failed).toMatchObject({
      code: "not-found",
      message: 'the call was made, but its usage could not be written: no user "ada"',
      value: "text",
    });
    expect((failed as UnsettledError).hint).not.toContain("database");
  });
});
