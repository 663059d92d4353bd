import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  putBack,
  removeUnfinished,
  replacedName,
  restoringName,
} from "../../src/store/sqlite/unfinished-restore.js";
import { tempFolder } from "../support/store.js";

/** A process that has ended. */
const ENDED = spawnSync(process.execPath, ["-e", ""]).pid as number;
const YEAR_S = 365 * 24 * 3_600;

let path: string;
beforeEach(() => {
  path = join(tempFolder(), "alpha.db");
});

function aside(number: number, content: string): void {
  writeFileSync(replacedName(path, number), content);
}

/** @param years since the copy was written */
function copy(pid: number, years: number): void {
  writeFileSync(restoringName(path, pid), "copy");
  const at = Date.now() / 1_000 - years * YEAR_S;
  utimesSync(restoringName(path, pid), at, at);
}

describe("a database that a killed restore had moved aside", () => {
  test("is put back with its log, and what the restore had copied can be taken away", () => {
    copy(ENDED, 1);
    aside(1, "old");
    writeFileSync(`${replacedName(path, 1)}-wal`, "log");
    expect(putBack(path)).toBe(true);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readFileSync(`${path}-wal`, "utf8")).toBe("log");
    expect(existsSync(replacedName(path, 1))).toBe(false);
    removeUnfinished(path);
    expect(existsSync(restoringName(path, ENDED))).toBe(false);
  });

  test("is left where it is while the restore still runs", () => {
    copy(process.pid, 1);
    aside(1, "old");
    expect(putBack(path)).toBe(false);
  });

  test("is not one that another restore had moved before: whoever removed the database meant it", () => {
    aside(1, "of another");
    copy(ENDED, -1);
    expect(putBack(path)).toBe(false);
    expect(readFileSync(replacedName(path, 1), "utf8")).toBe("of another");
  });

  test("is not there where no restore was killed", () => {
    aside(1, "kept");
    expect(putBack(path)).toBe(false);
    expect(existsSync(path)).toBe(false);
  });
});
