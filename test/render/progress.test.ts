import { describe, expect, it } from "vitest";
import { type ProgressView, progressBar, progressText } from "../../src/render/progress.js";

const HALFWAY: ProgressView = {
  what: "importing",
  done: 45_000_000,
  total: 100_000_000,
  records: 450_000,
  rejected: 0,
  seconds: 90,
};
const STREAM = { ...HALFWAY, total: null };
const LONG = { ...HALFWAY, records: 1_234_567_890, rejected: 12_345, seconds: 90_000 };

describe("the line on a terminal", () => {
  // 450,000 records in 90 s are 5,000 a second; 55 of 100 MB are left at 0.5 MB a second: 110 s.
  it("has a bar, the rate and the remaining time, and fills the rest of it with the bar", () => {
    const figures = " 45%  450,000 records, 5,000/s, 1 min 50 s left";
    expect(progressBar(HALFWAY, 80)).toBe(`importing ${"█".repeat(10)}${"░".repeat(12)}${figures}`);
    expect(progressBar(HALFWAY, 140)).toBe(`importing ${"█".repeat(18)}${"░".repeat(22)}${figures}`);
  });

  it("counts what was rejected", () => {
    expect(progressBar({ ...HALFWAY, rejected: 1_234 }, 140)).toMatch(
      / 45% {2}450,000 records, 1,234 rejected, 5,000\/s, 1 min 50 s left$/,
    );
  });

  it("has no bar where the end is not known or the terminal is too narrow", () => {
    expect(progressBar(STREAM, 80)).toBe("importing  450,000 records, 5,000/s");
    expect(progressBar(HALFWAY, 60)).toBe("importing 45%  450,000 records, 5,000/s, 1 min 50 s left");
  });

  it("is never wider than the terminal", () => {
    for (const view of [HALFWAY, STREAM, LONG]) {
      for (let columns = 10; columns < 200; columns += 1) {
        expect(progressBar(view, columns).length).toBeLessThan(columns);
      }
    }
  });

  it("says at its end that nothing is left", () => {
    expect(progressBar({ ...HALFWAY, done: 100_000_000 }, 140)).toMatch(/█ 100% {2}.* 0 s left$/);
    expect(progressBar({ ...HALFWAY, done: 100_000_001 }, 140)).toMatch(/█ 100% {2}.* 0 s left$/);
  });

  it("says nothing that cannot be told yet", () => {
    expect(progressBar({ ...HALFWAY, done: 0, records: 0, seconds: 0 }, 140)).toMatch(/░ 0% {2}0 records$/);
  });
});

describe("the line in a log", () => {
  it.each([
    [HALFWAY, "importing (45%): 450,000 records, 5,000/s, 1 min 50 s left"],
    [STREAM, "importing: 450,000 records, 5,000/s"],
    // 90,000 s for 45 %: 110,000 s are left, which are 30 h 33 min.
    [LONG, "importing (45%): 1,234,567,890 records, 12,345 rejected, 13,717/s, 30 h 33 min left"],
    [{ ...HALFWAY, done: 99_999_999 }, "importing (99%): 450,000 records, 5,000/s, 1 s left"],
  ])("%#", (view, text) => {
    expect(progressText(view)).toBe(text);
  });
});
