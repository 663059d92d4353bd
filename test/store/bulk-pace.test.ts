import { beforeEach, expect, test, vi } from "vitest";
import { BulkPace } from "../../src/store/sqlite/bulk-pace.js";

let now: number;
beforeEach(() => {
  now = 1_000_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  return () => vi.restoreAllMocks();
});

/** A slice at 100 rows a millisecond; returns how many rows it had. */
function slice(pace: BulkPace, version: number): number {
  const rows = pace.rows(version);
  const lockedAt = now;
  now += rows / 100;
  pace.entered(rows, lockedAt);
  return rows;
}

test("slices grow from 5 ms of lock time to 100 ms while nobody else writes", () => {
  const pace = new BulkPace();
  // The first is sized by a guess. Then 10, 20, 40, 80 and 100 ms at 100 rows each.
  const sizes = Array.from({ length: 7 }, () => slice(pace, 1));
  expect(sizes.slice(1)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(pace.isContended).toBe(false);
});

test("slices are short again once somebody else has written, until they have been quiet for a while", () => {
  const pace = new BulkPace();
  for (let n = 0; n < 8; n++) slice(pace, 1);
  expect(slice(pace, 2)).toBe(500);
  expect(pace.isContended).toBe(true);
  expect(slice(pace, 2)).toBe(500);
  now += 1_480;
  expect(slice(pace, 2)).toBe(500);
  now += 10;
  expect(pace.isContended).toBe(false);
  expect(slice(pace, 2)).toBe(500);
  expect(slice(pace, 2)).toBe(1_000);
});

test("what the process itself wrote beside is nobody to leave gaps for", () => {
  const pace = new BulkPace();
  for (let n = 0; n < 8; n++) slice(pace, 1);
  pace.ownWrite();
  expect(slice(pace, 2)).toBe(10_000);
  expect(slice(pace, 3)).toBe(500);
});

test("a slice without records tells nothing about speed", () => {
  const pace = new BulkPace();
  slice(pace, 1);
  const lockedAt = now;
  now += 50;
  pace.entered(3, lockedAt);
  expect(slice(pace, 1)).toBe(2_000);
});

test("a gap is left between slices, unless there was time enough", async () => {
  const pace = new BulkPace();
  slice(pace, 1);
  now += 2;
  let waited = true;
  const gap = pace.gap().then(() => {
    waited = false;
  });
  await Promise.resolve();
  await Promise.resolve();
  expect(waited).toBe(false);
  await gap;
});
