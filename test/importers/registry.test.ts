import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { IMPORTERS } from "../../src/importers/registry.js";
import { readAll } from "../input/reading.js";
import { readFixture } from "./fixture.js";

const FILES = readdirSync(new URL("../fixtures/logs", import.meta.url));
const NAMES = IMPORTERS.map(({ name }) => name);

/** A fixture is named after its format: `helicone.csv`, `openrouter-days.csv`. */
function formatOf(file: string): string | undefined {
  const named = NAMES.filter((name) => file.startsWith(`${name}.`) || file.startsWith(`${name}-`));
  return named.sort((a, b) => b.length - a.length)[0];
}

describe("the formats", () => {
  it.each(FILES)("%s is told from its records alone", async (file) => {
    const { format, drafts } = await readFixture(file);
    expect(format).toBe(formatOf(file));
    expect(Object.keys(drafts).length).toBeGreaterThan(0);
  });

  it.each(FILES.filter((file) => file.endsWith(".jsonl")))(
    "%s says the same when its objects are printed over several lines",
    async (file) => {
      const lines = readFileSync(new URL(`../fixtures/logs/${file}`, import.meta.url), "utf8");
      const objects = lines
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const [asLines, printed] = await Promise.all(
        [0, 1].map((indent) => readAll(objects.map((each) => JSON.stringify(each, null, indent)).join("\n"))),
      );
      expect(printed?.entries.map(({ draft }) => draft)).toEqual(asLines?.entries.map(({ draft }) => draft));
      expect(printed?.rejects.map(({ reason }) => reason)).toEqual(
        asLines?.rejects.map(({ reason }) => reason),
      );
    },
  );

  it("have names and descriptions of their own", () => {
    expect(new Set(NAMES).size).toBe(NAMES.length);
    for (const { description } of IMPORTERS) expect(description).not.toBe("");
  });

  it.each(IMPORTERS.map((importer) => [importer.name, importer] as const))(
    "%s claims no record of nothing",
    (_, importer) => {
      expect(importer.detect({})).toBe(false);
    },
  );
});
