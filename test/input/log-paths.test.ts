import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expandPaths } from "../../src/input/log-paths.js";

const FILES = [
  "b.jsonl",
  "a.jsonl",
  "a.csv",
  "10.jsonl",
  "2.jsonl",
  ".hidden.jsonl",
  "2026/10/a.jsonl",
  "2026/11/a.jsonl",
  "2026/11/b.jsonl.gz",
  "2026/.trash/a.jsonl",
  "folder.jsonl/inside",
  "wörld/ü.jsonl",
  "odd/[1]*.jsonl",
  "odd/plain.jsonl",
];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "alpha-paths-"));
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  symlinkSync(folder, join(folder, "2026", "loop"));
  symlinkSync(join(folder, "a.jsonl"), join(folder, "link.jsonl"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const expanded = (...patterns: string[]) =>
  expandPaths(patterns.map((pattern) => join(folder, pattern))).map((path) => path.slice(folder.length + 1));

describe("a pattern", () => {
  it.each([
    ["*.jsonl", ["10.jsonl", "2.jsonl", "a.jsonl", "b.jsonl", "link.jsonl"]],
    ["?.jsonl", ["2.jsonl", "a.jsonl", "b.jsonl"]],
    ["??.jsonl", ["10.jsonl"]],
    ["a*", ["a.csv", "a.jsonl"]],
    [".h*", [".hidden.jsonl"]],
    ["2026/1*/a.jsonl", ["2026/10/a.jsonl", "2026/11/a.jsonl"]],
    ["2026/l*/a.csv", ["2026/loop/a.csv"]],
    ["2026/*/*.gz", ["2026/11/b.jsonl.gz"]],
    ["2026/**/*.jsonl", ["2026/10/a.jsonl", "2026/11/a.jsonl"]],
    ["2026/**", ["2026/10/a.jsonl", "2026/11/a.jsonl", "2026/11/b.jsonl.gz"]],
    ["**/**/1?/a.jsonl", ["2026/10/a.jsonl", "2026/11/a.jsonl"]],
    ["w?rld/?.jsonl", ["wörld/ü.jsonl"]],
    ["*/inside", ["folder.jsonl/inside"]],
  ])("%s finds the files that it names, in the order of their names", (pattern, found) => {
    expect(expanded(pattern)).toEqual(found);
  });

  it("that finds nothing, or a folder, stays as it is", () => {
    for (const nothing of ["*.parquet", "no/such/*.jsonl", "fold*.jsonl", "2026/1?", "a.jsonl/*"]) {
      expect(expanded(nothing)).toEqual([nothing]);
    }
  });

  it("is a file's name where there is a file of that name", () => {
    expect(expanded("odd/[1]*.jsonl")).toEqual(["odd/[1]*.jsonl"]);
  });

  it("takes no longer for many stars", () => {
    expect(expanded(`${"*a".repeat(50)}b`)).toHaveLength(1);
  });
});

it("leaves every other path alone, and keeps the order in which they were given", () => {
  expect(expandPaths(["-", "no-such-file", "./x/../y", "[ab].jsonl"])).toEqual([
    "-",
    "no-such-file",
    "./x/../y",
    "[ab].jsonl",
  ]);
  expect(expanded("b.jsonl", "*.csv", "a.jsonl")).toEqual(["b.jsonl", "a.csv", "a.jsonl"]);
});
