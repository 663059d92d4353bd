import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { shouldColor } from "../../src/render/color.js";
import { createStyle } from "../../src/render/style.js";

const names = ["heading", "muted", "ok", "warn", "bad", "emphasis", "code"] as const;

describe("createStyle", () => {
  it.each(names)("%s colours only when colour is on", (name) => {
    expect(createStyle({ color: false })[name]("text")).toBe("text");
    const painted = createStyle({ color: true })[name]("text");
    expect(painted).not.toBe("text");
    expect(stripVTControlCharacters(painted)).toBe("text");
  });

  it("draws with Unicode unless told not to", () => {
    expect(createStyle({ color: false }).unicode).toBe(true);
    expect(createStyle({ color: false, unicode: false }).unicode).toBe(false);
  });
});

describe("shouldColor", () => {
  it.each([
    ["a terminal", { env: {}, isTTY: true }, true],
    ["a pipe", { env: {}, isTTY: false }, false],
    ["--no-color", { env: { FORCE_COLOR: "1" }, isTTY: true, flag: false }, false],
    ["the flag's default, in a pipe", { env: {}, isTTY: false, flag: true }, false],
    ["NO_COLOR", { env: { NO_COLOR: "0", FORCE_COLOR: "1" }, isTTY: true }, false],
    ["an empty NO_COLOR", { env: { NO_COLOR: "" }, isTTY: true }, true],
    ["FORCE_COLOR in a pipe", { env: { FORCE_COLOR: "1", TERM: "dumb" }, isTTY: false }, true],
    ["FORCE_COLOR=0", { env: { FORCE_COLOR: "0" }, isTTY: true }, false],
    ["FORCE_COLOR=false", { env: { FORCE_COLOR: "false" }, isTTY: true }, false],
    ["an empty FORCE_COLOR", { env: { FORCE_COLOR: "" }, isTTY: false }, false],
    ["a dumb terminal", { env: { TERM: "dumb" }, isTTY: true }, false],
  ])("with %s: %j → %s", (_case, inputs, expected) => {
    expect(shouldColor(inputs)).toBe(expected);
  });
});
