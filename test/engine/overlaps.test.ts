import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importUsage } from "../../src/engine/ingest.js";
import { findOverlaps } from "../../src/engine/overlaps.js";
import { engineOn } from "../support/engine-on.js";
import { logged, logOf } from "../support/logs.js";
import { DAY, HOUR, openFreshSqlite, populate, record, T0, type TestDatabase } from "../support/store.js";

let database: TestDatabase;

beforeEach(async () => {
  database = await openFreshSqlite();
  await populate(database.store, "ada", "ben", "cleo");
});
afterEach(() => database.drop());

/** An hour of yesterday, in the middle. */
const at = (hour: number, day = 1) => T0 - day * DAY + hour * HOUR + HOUR / 2;

interface Call {
  readonly user?: string;
  readonly hour: number;
  readonly day?: number;
  readonly providerId?: string;
}

async function meterLive(...calls: readonly Call[]) {
  const operations = calls.map(({ user = "ada", hour, day, providerId = null }, index) =>
    record(`live-${index}`, { source: "live", user, occurredAt: at(hour, day), providerId }),
  );
  await database.store.meter.commit(operations);
}

function logWith(format: string, calls: readonly Call[]) {
  const records = calls.map(({ user = "ada", hour, day, providerId = null }, index) =>
    logged(
      `${format}-${index}`,
      { user, occurredAt: at(hour, day), cost: 1, providerId },
      { source: format },
    ),
  );
  return logOf(records, { format, name: format });
}

async function overlapsAfter(format: string, ...calls: readonly Call[]) {
  return (await importUsage(engineOn(database.store), [logWith(format, calls)])).overlaps;
}

describe("an import", () => {
  it("names whose calls live metering has in the same hours", async () => {
    await meterLive({ hour: 1 }, { hour: 1 }, { hour: 2 }, { hour: 5 }, { user: "ben", hour: 3 });
    const calls = [
      { hour: 1 },
      { hour: 2 },
      { hour: 4 },
      { user: "ben", hour: 3 },
      { user: "cleo", hour: 1 },
    ];
    // Ada's hours 1 and 2 are in both, with 2 + 1 and 1 + 1 calls; her hours 4 and 5 are in one each.
    expect(await overlapsAfter("litellm", ...calls)).toEqual([
      { user: "ada", hours: 2, calls: 5, sources: ["litellm", "live"] },
      { user: "ben", hours: 1, calls: 2, sources: ["litellm", "live"] },
    ]);
  });

  it("finds nothing in other hours of the same day, on other days, or of other users", async () => {
    await meterLive({ hour: 1 }, { hour: 2, day: 2 }, { user: "ben", hour: 2 });
    expect(await overlapsAfter("litellm", { hour: 2 })).toEqual([]);
  });

  it("finds nothing where every call of the log states the provider's id", async () => {
    await meterLive({ hour: 1, providerId: "p1" }, { hour: 1, providerId: "p2" });
    expect(
      await overlapsAfter("litellm", { hour: 1, providerId: "p1" }, { hour: 1, providerId: "p3" }),
    ).toEqual([]);
  });

  it("names whose calls were metered without the provider's id, which only the log states", async () => {
    await meterLive({ hour: 1 }, { hour: 2, providerId: "p2" }, { hour: 4 });
    const calls = [
      { hour: 1, providerId: "p1" },
      { hour: 2, providerId: "p3" },
      { hour: 3, providerId: "p4" },
    ];
    expect(await overlapsAfter("litellm", ...calls)).toEqual([
      { user: "ada", hours: 1, calls: 2, sources: ["litellm", "live"] },
    ]);
  });

  it("warns the same whichever of two logs came first", async () => {
    await overlapsAfter("helicone", { hour: 1 });
    expect(await overlapsAfter("openai-response", { hour: 1, providerId: "p1" })).toEqual([
      { user: "ada", hours: 1, calls: 2, sources: ["helicone", "openai-response"] },
    ]);
    expect(await overlapsAfter("langfuse", { hour: 1, day: 2, providerId: "p2" })).toEqual([]);
    expect(await overlapsAfter("alwrity", { hour: 1, day: 2 })).toMatchObject([{ hours: 1, calls: 2 }]);
  });

  it("tells the logs of one format from those of another", async () => {
    await overlapsAfter("litellm", { hour: 1 }, { hour: 2 });
    const more = logOf([logged("more", { occurredAt: at(1), cost: 1 })], { format: "litellm" });
    expect((await importUsage(engineOn(database.store), [more])).overlaps).toEqual([]);
    expect(await overlapsAfter("helicone", { hour: 1 })).toEqual([
      { user: "ada", hours: 1, calls: 3, sources: ["helicone", "litellm"] },
    ]);
  });

  it("compares the logs of one run with each other, too", async () => {
    const logs = [logWith("litellm", [{ hour: 1 }]), logWith("helicone", [{ hour: 1 }])];
    const { overlaps } = await importUsage(engineOn(database.store), logs);
    expect(overlaps.map(({ user, sources }) => [user, ...sources])).toEqual([
      ["ada", "helicone", "litellm"],
      ["ada", "helicone", "litellm"],
    ]);
  });

  it("finds its own format between two others", async () => {
    await meterLive({ hour: 1 });
    await overlapsAfter("alpha", { hour: 1 });
    expect(await overlapsAfter("litellm", { hour: 1 })).toEqual([
      { user: "ada", hours: 1, calls: 3, sources: ["alpha", "litellm", "live"] },
    ]);
  });

  it("warns of nothing that it did not bring itself", async () => {
    await meterLive({ hour: 1 });
    await overlapsAfter("litellm", { hour: 1 });
    expect(await overlapsAfter("litellm", { hour: 1 })).toEqual([]);
  });
});

describe("a look at the last days", () => {
  it("finds what any two sources cover, within the range", async () => {
    await meterLive({ hour: 1 }, { user: "ben", hour: 2, day: 3 });
    await overlapsAfter("litellm", { hour: 1 }, { user: "ben", hour: 2, day: 3 });
    const engine = engineOn(database.store);
    expect((await findOverlaps(engine, T0 - 7 * DAY, T0)).map(({ user }) => user)).toEqual(["ada", "ben"]);
    expect((await findOverlaps(engine, T0 - 2 * DAY, T0)).map(({ user }) => user)).toEqual(["ada"]);
    expect(await findOverlaps(engine, T0 - 2 * DAY, at(1))).toEqual([]);
  });

  it("passes over imports that were undone", async () => {
    await meterLive({ hour: 1 });
    await overlapsAfter("litellm", { hour: 1 });
    const [done] = await database.rows("import");
    await database.insert("import", { ...done, id: 9, undone_at: T0 });
    await database.insert("usage_event", {
      ...(await database.rows("usage_event"))[0],
      id: 99,
      import_id: 9,
    });
    const engine = engineOn(database.store);
    expect(await findOverlaps(engine, T0 - 7 * DAY, T0)).toMatchObject([{ calls: 2 }]);
  });
});
