import { describe, expect, it } from "vitest";
import { AlphaError } from "../../src/errors.js";
import { parseMapping } from "../../src/importers/mapping.js";

function errorOf(action: () => unknown): AlphaError {
  try {
    action();
  } catch (error) {
    if (error instanceof AlphaError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("parseMapping", () => {
  it("takes mapped columns, constants and what has a native name", () => {
    const mapping = parseMapping(["timestamp=TS,input_tokens=In"], ["model=gpt-4o", "feature=a,b"]);
    expect(mapping?.renames).toBe(true);
    expect(mapping?.apply({ TS: "t", In: 5, model: "theirs", output_tokens: 7, other: 1 })).toEqual({
      timestamp: "t",
      input_tokens: 5,
      model: "gpt-4o",
      feature: "a,b",
      output_tokens: 7,
    });
  });

  it("prefers the mapped column to one of the native name", () => {
    expect(parseMapping(["input_tokens=In"], [])?.apply({ In: 1, input_tokens: 2 })).toEqual({
      input_tokens: 1,
    });
  });

  it("follows paths, but a column of that very name first", () => {
    const mapping = parseMapping(["input_tokens=usage.prompt"], []);
    expect(mapping?.apply({ usage: { prompt: 3 } })).toEqual({ input_tokens: 3 });
    expect(mapping?.apply({ "usage.prompt": 4, usage: { prompt: 3 } })).toEqual({ input_tokens: 4 });
    expect(mapping?.apply({ usage: null })).toEqual({ input_tokens: undefined });
  });

  it("never reaches what a record inherits", () => {
    expect(parseMapping(["model=toString,user=a.constructor"], [])?.apply({ a: {} })).toEqual({});
  });

  it("splits constants only before a field's name", () => {
    expect(parseMapping([], ["model=m,provider=azure"])?.apply({})).toEqual({
      model: "m",
      provider: "azure",
    });
  });

  it("is nothing without --map and --set", () => {
    expect(parseMapping([], [])).toBeNull();
    expect(parseMapping([], ["model=m"])?.renames).toBe(false);
  });

  it.each<[string[], string[], string]>([
    [["input_token=In"], [], '--map names "input_token", which is not a field of a usage record.'],
    [["input_tokens"], [], '--map "input_tokens" is not of the form NAME=COLUMN.'],
    [["input_tokens="], [], '--map "input_tokens=" is not of the form NAME=COLUMN.'],
    [["=In"], [], '--map "=In" is not of the form NAME=COLUMN.'],
    [["model=a", "model=b"], [], '"model" is given twice.'],
    [["model=a"], ["model=b"], '"model" is given twice.'],
    [[], ["modell=x"], '--set names "modell", which is not a field of a usage record.'],
    [[], ["model"], '--set "model" is not of the form NAME=VALUE.'],
    [[], ["images=one"], '--set images=one: the value is not a number: "one".'],
    [[], ["cost_usd=-1"], '--set cost_usd=-1: the value is negative: "-1".'],
    [[], ["timestamp=today"], '--set timestamp=today: the value is not a time: "today".'],
    [[], ["id=1"], "--set id=… would give every record the same id."],
  ])("refuses --map %j --set %j", (maps, sets, message) => {
    const error = errorOf(() => parseMapping(maps, sets));
    expect(error.code).toBe("usage");
    expect(error.message).toBe(message);
  });

  it("suggests the field that was meant", () => {
    expect(errorOf(() => parseMapping(["input_token=In"], [])).hint).toMatch(/^Did you mean input_tokens\?/);
  });

  it("refuses a column that no record has, and names those there are", () => {
    const mapping = parseMapping(["timestamp=Timestamp"], []);
    const error = errorOf(() => mapping?.checkColumns([{ timestam: 1, usage: { prompt: 1 } }], "log.csv"));
    expect(error.code).toBe("failed");
    expect(error.message).toBe('log.csv has no column "Timestamp"; did you mean timestam?');
    expect(error.hint).toBe("Its columns are timestam, usage.prompt.");
    expect(() => mapping?.checkColumns([{ a: 1 }, { Timestamp: 1 }], "log.csv")).not.toThrow();
  });
});
