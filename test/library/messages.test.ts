import { describe, expect, it, onTestFinished } from "vitest";
import { type MessageContext, type OpenLimitsOptions, openLimits } from "../../src/index.js";
import { freshHome, NOW } from "../support/cli.js";

const REQUEST = { user: "ada", tokens: 100, cost: 0 };

async function opened(options: Partial<OpenLimitsOptions> = {}) {
  const home = freshHome();
  await home.ok(["init", "--time-zone", "Europe/Berlin"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada"]);
  const limits = await openLimits({ database: home.database, now: () => NOW, ...options });
  onTestFinished(() => limits.close());
  return { home, limits };
}

describe("the zone of a message", () => {
  it("is the accounting zone, that of the limits, or the request's", async () => {
    const { limits } = await opened();
    expect((await limits.check(REQUEST)).message).toContain("at 2026-11-23 00:00 (Europe/Berlin).");
    expect((await limits.check({ ...REQUEST, zone: "America/New_York" })).message).toContain(
      "at 2026-11-22 18:00 (America/New_York).",
    );
    const { limits: abroad } = await opened({ messageZone: "Asia/Tokyo" });
    expect((await abroad.check(REQUEST)).message).toContain("at 2026-11-23 08:00 (Asia/Tokyo).");
    const { decision } = await abroad.reserve({ ...REQUEST, zone: "UTC" });
    expect(decision.message).toContain("at 2026-11-22 23:00 (UTC).");
    const [many] = await abroad.checkMany([{ ...REQUEST, model: "gpt-4o" }]);
    expect(many?.message).toContain("(Asia/Tokyo)");
  });

  it("is told for a stop that ends too", async () => {
    const { home, limits } = await opened({ messageZone: "Asia/Tokyo" });
    await home.ok(["emergency-stop", "on", "--for", "2h"]);
    expect((await limits.check(REQUEST)).message).toBe(
      "All calls are stopped until 2026-11-22 23:00 (Asia/Tokyo).",
    );
  });

  it("has to be one", async () => {
    const { home, limits } = await opened();
    await expect(limits.check({ ...REQUEST, zone: "Mars/Base" })).rejects.toMatchObject({ code: "usage" });
    const wrong = openLimits({ database: home.database, messageZone: "Mars/Base" });
    await expect(wrong).rejects.toMatchObject({ code: "usage" });
  });
});

describe("an application's own messages", () => {
  it("replace the usual ones everywhere, and are made when they are read", async () => {
    const made: MessageContext[] = [];
    const { home, limits } = await opened({
      message: ({ code, resetsAt }, context) => {
        made.push(context);
        return `${code}: ${context.request.user} until ${resetsAt} (${context.zone})`;
      },
    });
    const decision = await limits.check(REQUEST);
    expect(made).toEqual([]);
    expect(decision.message).toBe(`ok: ada until ${Date.UTC(2026, 10, 22, 23)} (Europe/Berlin)`);
    expect(made[0]?.sentence).toMatch(/^You have 900 tokens of 1,000 left today/);
    expect(made[0]?.request).toEqual(REQUEST);
    expect(JSON.parse(JSON.stringify(decision)).message).toBe(decision.message);

    const { decision: reserved } = await limits.reserve({ ...REQUEST, zone: "UTC" });
    expect(reserved.message).toMatch(/^ok: .*\(UTC\)$/);
    const [many] = await limits.checkMany([{ user: "nobody" }]);
    expect(many?.message).toBe("user-unknown: nobody until null (Europe/Berlin)");
    await home.ok(["users", "suspend", "ada"]);
    const guarded = await limits.guard(REQUEST, () => "never");
    expect(guarded.decision.message).toMatch(/^user-suspended: ada/);
  });

  it("fall back to the usual sentence when they fail", async () => {
    const { limits } = await opened({
      message: () => {
        throw new Error("template");
      },
    });
    expect((await limits.check({ user: "nobody" })).message).toBe("This account is not part of the alpha.");
  });

  it.each([undefined, null, 7, Promise.resolve("later")])(
    "fall back to it when they make %s",
    async (made) => {
      const { limits } = await opened({ message: () => made as unknown as string });
      expect((await limits.check({ user: "nobody" })).message).toBe("This account is not part of the alpha.");
    },
  );
});
