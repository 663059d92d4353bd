import { expect, test } from "vitest";
import { namesIn, pseudonymising, type RecordTexts } from "../../src/domain/pseudonym.js";

const rewrite = pseudonymising("ada", ["Ada@Example.com", "key-7f3a", "Ada Lovelace", "free"], "erased-1");
const record = (more: Partial<RecordTexts>): RecordTexts => ({
  subject: null,
  before: null,
  after: null,
  reason: null,
  ...more,
});

test("a record about somebody else is the very same record", () => {
  const other = record({
    subject: "user:bob",
    before: { tier: "free", key: "bob", aliases: ["adam"] },
    reason: "ada-like, on free; see ada@example.com.au and xkey-7f3a",
  });
  expect(rewrite(other)).toBe(other);
});

test("fields that hold names are compared as a whole, whatever their case; other fields are not", () => {
  expect(
    rewrite(
      record({
        subject: "user:ada",
        before: { tier: "free", email: "ADA@example.com", aliases: ["free", "other"], name: "Ada Lovelace" },
        after: { holds: [{ id: "r_1", user: "ada" }], limit: 12, none: null },
      }),
    ),
  ).toEqual(
    record({
      subject: "user:erased-1",
      before: { tier: "free", email: "erased-1", aliases: ["erased-1", "other"], name: "erased-1" },
      after: { holds: [{ id: "r_1", user: "erased-1" }], limit: 12, none: null },
    }),
  );
});

test.each([
  // About the person, every name goes, as whole words.
  ["user:ada", "Ada's key-7f3a, mail to ada@example.com.", "erased-1's erased-1, mail to erased-1."],
  ["user:ada", "Adam, ada_2 and ada-3 stay", "Adam, ada_2 and ada-3 stay"],
  ["user:ada", "back on free", "back on erased-1"],
  // About others, only what can be nothing else.
  ["user:bob", "as ADA LOVELACE asked (ada@example.com, key-7f3a)", "as erased-1 asked (erased-1, erased-1)"],
  ["tier:free", "ada thinks free is too small", "ada thinks free is too small"],
])("the reason of %s: %s", (subject, reason, expected) => {
  expect(rewrite(record({ subject, reason })).reason).toBe(expected);
});

test("a record is about the person when a field of it names them", () => {
  const stop = record({ subject: "stop:4", after: { user: "ada@example.com", reason: "ada again" } });
  expect(rewrite({ ...stop, reason: "ada again" })).toEqual({
    ...stop,
    after: { user: "erased-1", reason: "erased-1 again" },
    reason: "erased-1 again",
  });
});

test("names are read where fields hold names, however deep", () => {
  const before = { email: "a@x.io", tier: "free", list: [{ aliases: ["k", " "] }], name: null };
  expect(namesIn({ before, after: { key: "a" } })).toEqual(["a@x.io", "k", "a"]);
});

test("names that mean something to patterns are names", () => {
  const odd = pseudonymising("a.b*c(", ["x+y@z.io", "50%/day|no"], "p-1");
  expect(
    odd(record({ subject: "user:a.b*c(", reason: "a.b*c( and x+y@z.io, 50%/day|no; axb*c(" })).reason,
  ).toBe("p-1 and p-1, p-1; axb*c(");
});
