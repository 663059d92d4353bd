import { describe, expect, test } from "vitest";
import {
  LimitsEngine,
  type LimitsRequest,
  type ReservationHandle,
  type UsageReport,
} from "../../src/engine/limits.js";
import { engineOn } from "../support/engine-on.js";
import { DAY, HOUR, populate, T0 } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const NUL = "a\0b";
const HALF = "a\ud800";
const LONG = "x".repeat(513);
const SECONDS = Math.floor(T0 / 1_000);

/** What a program that is not type-checked can hand over. */
const requests: [string, unknown, string][] = [
  ["nothing", undefined, "needs user"],
  ["no user", { tokens: 1 }, "needs user"],
  ["a number for a user", { user: 7, tokens: 1 }, "needs user"],
  ["a number for a model", { user: "ada", model: 4 }, "model must be a text, not 4"],
  ["NUL in a model", { user: "ada", model: NUL }, "model contains characters"],
  ["half a character", { user: "ada", feature: HALF }, "feature contains characters"],
  ["a text for a name", { user: "ada", provider: LONG }, "provider is longer than 512"],
  ["a text for a count", { user: "ada", tokens: "5" }, "tokens must be a whole number"],
  ["a misspelt name", { user: "ada", token: 5 }, 'a request has no "token"; did you mean tokens?'],
  ["a provider's name", { user: "ada", max_tokens: 5 }, 'no "max_tokens"; did you mean maxTokens?'],
  ["a name of its own", { user: "ada", tokens: 5, tenant: "acme" }, 'a request has no "tenant"'],
];

const reports: [string, unknown, string][] = [
  ["nothing", undefined, "no report"],
  ["null", null, "no report"],
  ["a long id of the provider", { input: 1, providerId: LONG }, "providerId is longer than 512"],
  ["seconds for milliseconds", { input: 1, occurredAt: SECONDS }, "before 2015"],
  ["a day ahead and more", { input: 1, occurredAt: T0 + DAY + 1 }, "more than 24 hours ahead"],
  ["no number for a time", { input: 1, occurredAt: Number.NaN }, "whole milliseconds"],
  ["a Date", { input: 1, occurredAt: new Date(T0) }, "whole milliseconds"],
  ["OpenAI's names", { prompt_tokens: 120 }, 'a report has no "prompt_tokens"; did you mean input?'],
  ["the AI SDK's names", { outputTokens: 9, input: 5 }, 'no "outputTokens"; did you mean output?'],
  ["Anthropic's names", { input: 5, cache_read_input_tokens: 9 }, "did you mean cacheRead?"],
  ["a misspelt name", { inputs: 5, output: 1 }, 'no "inputs"; did you mean input?'],
  ["the parts of a list", [120, 380], 'a report has no "0"'],
  ["no amount at all", {}, "states no amount"],
  ["amounts that are not known", { input: undefined, output: undefined }, "states no amount"],
  ["a status alone", { status: "error", model: "gpt-4o" }, "states no amount"],
];

const users: unknown[] = [undefined, null, 7, { id: "ada" }];

const handles: [string, unknown, string][] = [
  ["nothing", undefined, "no handle"],
  ["null", null, "no handle"],
  ["the id alone", "r-1", "no handle"],
  ["no user", { id: "r-1" }, "no handle"],
  ["no id", { user: "ada" }, "an id must be"],
  ["a number for a model", { user: "ada", id: "r-1", model: 4 }, "model must be a text, not 4"],
];

const lengths = [-5, 0, 1.5, Number.NaN, 1e18, "10m"] as number[];

everyStore((fresh) => {
  async function prepared() {
    const { store } = await fresh();
    await populate(store, "ada");
    return { store, limits: new LimitsEngine(engineOn(store)) };
  }

  describe("what makes no sense is an error of who asks, and takes nobody else's call down", () => {
    test.each(requests)("a request with %s", async (_, request, said) => {
      const { limits } = await prepared();
      const wrong = request as LimitsRequest;
      const answers = await Promise.allSettled([
        limits.reserve({ user: "ada", tokens: 1 }),
        limits.reserve(wrong),
        limits.check(wrong),
        limits.checkMany([wrong]),
        limits.reserve({ user: "ada", tokens: 1 }),
      ]);
      const refused = { reason: { code: "usage", message: expect.stringContaining(said) } };
      const admitted = { value: { decision: { outcome: "allow" } } };
      expect(answers).toMatchObject([admitted, refused, refused, refused, admitted]);
    });

    test.each(reports)("a report with %s", async (_, report, said) => {
      const { limits, store } = await prepared();
      const wrong = report as UsageReport;
      const { reservation } = await limits.reserve({ user: "ada", tokens: 1 });
      const answers = await Promise.allSettled([
        limits.record("ada", { input: 1 }),
        limits.record("ada", wrong),
        limits.previewRecord("ada", wrong),
        limits.settle(reservation!.handle, wrong),
        limits.record("ada", { input: 1 }),
      ]);
      const refused = { reason: { code: "usage", message: expect.stringContaining(said) } };
      const counted = { value: { status: "inserted" } };
      expect(answers).toMatchObject([counted, refused, refused, refused, counted]);
      expect(await store.read((tx) => tx.holds.list({}))).toHaveLength(1);
    });

    test.each(users)("a record for %j", async (user) => {
      const { limits } = await prepared();
      const answers = await Promise.allSettled([
        limits.record("ada", { input: 1 }),
        limits.record(user as string, { input: 1 }),
        limits.previewRecord(user as string, { input: 1 }),
        limits.record("ada", { input: 1 }),
      ]);
      const refused = { reason: { code: "usage", message: expect.stringContaining("needs user") } };
      const counted = { value: { status: "inserted" } };
      expect(answers).toMatchObject([counted, refused, refused, counted]);
    });

    test.each(handles)("a handle that is %s", async (_, handle, said) => {
      const { limits } = await prepared();
      const wrong = handle as ReservationHandle;
      // None of them throws before there is a promise.
      const answers = await Promise.allSettled([
        limits.settle(wrong, { input: 1 }),
        limits.settlePart(wrong, { input: 1 }, { part: 1 }),
        limits.release(wrong),
        limits.extend(wrong),
      ]);
      const refused = { reason: { code: "usage", message: expect.stringContaining(said) } };
      expect(answers).toMatchObject([refused, refused, refused, refused]);
    });

    test("ids and lengths of time", async () => {
      const { limits } = await prepared();
      const ask = { user: "ada", tokens: 1 };
      for (const id of ["", NUL, HALF, LONG, 7 as unknown as string]) {
        await expect(limits.reserve(ask, { id })).rejects.toMatchObject({ code: "usage" });
        await expect(limits.record("ada", { input: 1 }, { id })).rejects.toMatchObject({ code: "usage" });
      }
      const { reservation } = await limits.reserve(ask);
      const { handle } = reservation!;
      for (const holdForMs of lengths) {
        const refused = { code: "usage", message: expect.stringContaining("holdForMs") };
        await expect(limits.reserve(ask, { holdForMs })).rejects.toMatchObject(refused);
        await expect(limits.extend(handle, holdForMs)).rejects.toMatchObject(refused);
        const part = { part: 1, holdForMs };
        await expect(limits.settlePart(handle, { input: 1 }, part)).rejects.toMatchObject(refused);
      }
      expect(await limits.extend(handle, 30 * DAY)).toBe(true);
    });

    test.each([
      { input: 0 },
      { images: 0, status: "error" },
      { cost: 0 },
      Object.assign(Object.create({ toLog: 1 }), { output: 1 }),
    ])("a report that states an amount, and be it none: %j", async (report) => {
      const { limits } = await prepared();
      expect(await limits.record("ada", report)).toMatchObject({ status: "inserted" });
    });

    test("the edges of what is taken", async () => {
      const { limits } = await prepared();
      const kind = { provider: "p".repeat(512), model: "é".repeat(512), feature: "😀".repeat(256) };
      const times = [Date.UTC(2015, 0, 1), T0 - HOUR, T0 + DAY];
      for (const occurredAt of times) {
        const report = {
          ...kind,
          input: 1,
          occurredAt,
          providerId: `${occurredAt}`,
        };
        const id = "é".repeat(499) + String(occurredAt).padStart(13, "0");
        expect(await limits.record("ada", report, { id })).toMatchObject({ status: "inserted" });
      }
    });
  });

  test.each([
    [NUL, "a\ufffdb"],
    [`${"x".repeat(511)}😀 and the rest of it`, `${"x".repeat(511)}\ufffd`],
    ["é".repeat(100_000), "é".repeat(512)],
    [404 as unknown as string, "404"],
  ])("a status says what went wrong, and keeps nothing from being counted", async (status, kept) => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const limits = new LimitsEngine(engineOn(store));
    const report = { input: 1, status };
    expect(await limits.record("ada", report, { id: "a" })).toMatchObject({ status: "inserted" });
    expect(await limits.record("ada", report, { id: "a" })).toMatchObject({ status: "duplicate" });
    expect(await rows("usage_event")).toMatchObject([{ status: kept }]);
  });

  test.each(["", " ", "\t\n"])(
    "%j for the provider's id is none, and two calls are two",
    async (providerId) => {
      const { rows, store } = await fresh();
      await populate(store, "ada", "bob");
      const limits = new LimitsEngine(engineOn(store));
      const { reservation } = await limits.reserve({ user: "ada", tokens: 9 });
      const counted = { status: "inserted" };
      expect(await limits.record("ada", { output: 1, providerId })).toMatchObject(counted);
      expect(await limits.record("bob", { output: 2, providerId })).toMatchObject(counted);
      const part = { output: 3, providerId };
      expect(await limits.settlePart(reservation!.handle, part, { part: 1 })).toMatchObject(counted);
      expect(await limits.settle(reservation!.handle, { output: 4, providerId })).toMatchObject(counted);
      expect((await rows("usage_event")).map((row) => Number(row.output))).toEqual([1, 2, 3, 4]);
    },
  );

  test.each([NUL, HALF, "x".repeat(100_000), ""])("%j is nobody's name, not a fault", async (user) => {
    const { limits } = await prepared();
    expect(await limits.check({ user, tokens: 1 })).toMatchObject({ code: "user-unknown" });
    expect((await limits.reserve({ user, tokens: 1 })).decision).toMatchObject({ code: "user-unknown" });
    await expect(limits.record(user, { input: 1 })).rejects.toMatchObject({ code: "not-found" });
  });
});
