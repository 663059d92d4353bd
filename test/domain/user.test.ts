import { describe, expect, it } from "vitest";
import { isEmail, lookupNames, requireEmail, requireUserName } from "../../src/domain/user.js";
import { AlphaError } from "../../src/errors.js";

describe("an email", () => {
  it.each(["ada@example.com", "a.b+c@sub.example.co", "ünal@exämple.de", "o'brien@example.com"])(
    "%s is one",
    (text) => {
      expect(isEmail(text)).toBe(true);
    },
  );

  it.each([
    "",
    "ada",
    "ada@",
    "@example.com",
    "ada@example",
    "a b@example.com",
    "a@b@example.com",
    "Ada <ada@example.com>",
    "a@example.com,b@example.com",
    `${"a".repeat(251)}@b.c`,
  ])("%j is none", (text) => {
    expect(isEmail(text)).toBe(false);
    expect(() => requireEmail(text)).toThrow(AlphaError);
  });

  it("is kept trimmed and in lower case", () => {
    expect(requireEmail("  Ada@Example.COM ")).toBe("ada@example.com");
  });
});

describe("an id or alias", () => {
  it("is kept as it is given, since hashes tell case apart", () => {
    expect(requireUserName("id", " sk-Ab12 ")).toBe("sk-Ab12");
  });

  it("is lower-cased when it is an email, as emails are", () => {
    expect(requireUserName("alias", "Old@Example.com")).toBe("old@example.com");
  });

  it.each(["", "  ", "a b", "-x", "a\u0000b", "a\u009fb", "a\tb", "x".repeat(201)])(
    "cannot be %j",
    (text) => {
      expect(() => requireUserName("id", text)).toThrow(AlphaError);
    },
  );

  it("may be 200 characters long", () => {
    expect(requireUserName("id", "x".repeat(200))).toHaveLength(200);
  });
});

describe("a name is looked up", () => {
  it("as it was typed first, then as an email is kept", () => {
    expect(lookupNames(" Ada@Example.com")).toEqual(["Ada@Example.com", "ada@example.com"]);
    expect(lookupNames("ada")).toEqual(["ada"]);
  });
});
