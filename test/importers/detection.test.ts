import { describe, expect, it } from "vitest";
import type { Fields } from "../../src/importers/importer.js";
import { IMPORTERS } from "../../src/importers/registry.js";
import { type Reject, rejectLine } from "../../src/importers/rejects.js";
import { collect, readAll } from "../input/reading.js";
import { formatOf, LOGS, pathOf } from "./fixtures.js";

const OTHERS = IMPORTERS.filter(({ name }) => name !== "alpha");

/** Everything in a log that is a record, counted or not. */
async function recordsOf(log: string): Promise<Fields[]> {
  const { entries, rejects } = await collect(pathOf(log));
  const raws = [...entries.map(({ record }) => record.raw), ...rejects.map(({ raw }) => raw)];
  return raws.flatMap((raw) => {
    try {
      return [JSON.parse(raw) as Fields];
    } catch {
      return [];
    }
  });
}

describe("a record that was rejected", () => {
  it.each(LOGS)("is told for the same reason in the rejects of %s", async (log) => {
    const { rejects } = await collect(pathOf(log));
    if (rejects.length === 0) return;
    const again = await readAll(rejects.map(rejectLine).join("\n"), { format: formatOf(log) });
    const told = (all: readonly Reject[]) =>
      all.map(({ field, reason, identity, format, raw }) => [field, reason, identity, format, raw]);
    expect(told(again.rejects)).toEqual(told(rejects));
  });
});

describe("the format of a log", () => {
  it.each(LOGS)("is told from %s itself", async (log) => {
    const { batches, entries } = await collect(pathOf(log));
    expect(batches.at(-1)?.format).toBe(formatOf(log));
    expect(entries.length).toBeGreaterThan(0);
  });

  it.each(LOGS)("is no other for any record of %s", async (log) => {
    const records = await recordsOf(log);
    const detecting = OTHERS.filter((importer) => records.some((record) => importer.detect(record)));
    expect(detecting.map(({ name }) => name)).toEqual([formatOf(log)]);
  });

  it("is the native one only where it is no other, since anybody may write its fields around their own", () => {
    expect(IMPORTERS.at(-1)?.name).toBe("alpha");
  });

  it("has fixtures, all but the native one", () => {
    const covered = new Set(LOGS.map(formatOf));
    expect(OTHERS.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  });
});
