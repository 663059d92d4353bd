import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readUsersCsv } from "../../src/input/users-csv.js";
import { tempFolder } from "../support/store.js";

const read = (content: string | Buffer) =>
  readUsersCsv("-", { stdin: Readable.from([Buffer.from(content)]) });

test("every column, in any order and case; empty fields are left out", async () => {
  const rows = await read(
    "Persona;ID;Email;Name;Tier;Aliases\nactive;ada;a@x.io;Ada;pro;k-1 k-2\n;bob;;;;\n",
  );
  expect(rows).toEqual([
    {
      line: 2,
      input: {
        email: "a@x.io",
        id: "ada",
        name: "Ada",
        tier: "pro",
        persona: "active",
        aliases: ["k-1", "k-2"],
      },
      problem: null,
    },
    { line: 3, input: { id: "bob", aliases: [] }, problem: null },
  ]);
});

test("a byte order mark, CRLF, quotes, blank lines and gzip are fine", async () => {
  const text =
    '\ufeffemail,name,alias\r\na@x.io,"Lovelace, ""Ada""\r\nCountess",k-1;k-2\r\n\r\n b@x.io ,,\r\n';
  for (const content of [text, gzipSync(text)]) {
    expect(await read(content)).toMatchObject([
      { line: 2, input: { email: "a@x.io", name: 'Lovelace, "Ada"\nCountess', aliases: ["k-1", "k-2"] } },
      { line: 5, input: { email: "b@x.io" } },
    ]);
  }
});

test("a row that cannot be read is told, the others are read", async () => {
  expect(await read('email,id\na@x.io\nb@x.io,b\nc@"x,c\n')).toMatchObject([
    { line: 2, problem: "has 1 fields where the header has 2" },
    { line: 3, problem: null },
    { line: 4, problem: expect.stringContaining("quotation mark") },
  ]);
});

test.each([
  ["", "stdin is empty."],
  ["\n\n", "stdin is blank"],
  ["a@x.io\nb@x.io\n", "names neither a column email nor a column id"],
  ["name,tier\nAda,pro\n", "names neither a column email nor a column id"],
  ["email,teir\na@x.io,pro\n", 'a column that alpha does not know: "teir"'],
  ["email,email\na@x.io,b@x.io\n", 'two columns named "email"'],
  ["email,alias,aliases\na@x.io,b,c\n", "two columns for alias"],
  ["email,id\n", "lists nobody"],
  ["\0\u0001\u0002", "binary"],
])("not a list of testers: %j", async (content, message) => {
  await expect(read(content)).rejects.toMatchObject({
    code: "failed",
    message: expect.stringContaining(message),
    hint: expect.stringContaining("email,id,name,tier,persona,alias"),
  });
});

test("a missing file and a directory are told from a wrong one", async () => {
  const folder = tempFolder();
  await expect(readUsersCsv(join(folder, "none.csv"), {})).rejects.toMatchObject({
    message: `There is no file ${folder}/none.csv.`,
    hint: expect.stringContaining("path"),
  });
  await expect(readUsersCsv(folder, {})).rejects.toMatchObject({ message: `${folder} is a directory.` });
  writeFileSync(join(folder, "users.csv"), "id\nada\n");
  expect(await readUsersCsv(join(folder, "users.csv"), {})).toHaveLength(1);
});
