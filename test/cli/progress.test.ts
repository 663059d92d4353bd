import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { Io } from "../../src/cli/io.js";
import { createProgress } from "../../src/cli/progress.js";

const MINUTE = 60_000;

/** A progress whose clock is set by hand, and what it has printed. */
async function progressOn({ isTTY = false, columns = 80 } = {}, options = {}) {
  const stderr = Object.assign(new PassThrough(), { isTTY, columns });
  const clock = { elapsed: 500 };
  const progress = await createProgress(
    "importing",
    { stderr } as unknown as Io,
    options,
    () => clock.elapsed,
  );
  const printed = () => String(stderr.read() ?? "");
  return {
    printed,
    end: () => progress.end(),
    /** Says how far it is after so many milliseconds. */
    after(milliseconds: number, records: number, rejected = 0) {
      clock.elapsed = 500 + milliseconds;
      progress.report({ done: records, total: 1_000_000, records, rejected });
      return printed();
    },
  };
}

test("off a terminal it is one line a minute, and none before the first is over", async () => {
  const { after, end, printed } = await progressOn();
  expect(after(0, 0)).toBe("");
  expect(after(MINUTE - 1, 59_999)).toBe("");
  // 60,000 records in 60 s are 1,000 a second; the other 940,000 take 940 s.
  expect(after(MINUTE, 60_000)).toBe("importing (6%): 60,000 records, 1,000/s, 15 min 40 s left\n");
  expect(after(MINUTE + 1, 60_001)).toBe("");
  expect(after(2 * MINUTE - 1, 120_000)).toBe("");
  expect(after(2 * MINUTE + 5_000, 250_000, 3)).toMatch(/^importing \(25%\): 250,000 records, 3 rejected, /);
  expect(after(3 * MINUTE, 300_000)).toBe("");
  expect(after(4 * MINUTE, 400_000)).toMatch(/^importing \(40%\)/);
  end();
  expect(printed()).toBe("");
});

test("with --json it says nothing", async () => {
  for (const isTTY of [true, false]) {
    const { after, end, printed } = await progressOn({ isTTY }, { json: true });
    expect(after(10 * MINUTE, 1)).toBe("");
    end();
    expect(printed()).toBe("");
  }
});

test("on a terminal it is a bar that goes away at the end and gives the cursor back", async () => {
  const { after, end, printed } = await progressOn({ isTTY: true, columns: 80 });
  const drawn = after(0, 450_000);
  expect(drawn).toContain("45%  450,000 records");
  expect(drawn).toContain("\u001b[?25l");
  end();
  const ended = printed();
  expect(ended).toContain("\u001b[?25h");
  expect(ended.endsWith("\n")).toBe(false);
});
