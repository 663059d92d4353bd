import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, cut, errorOf, line, readAll } from "./reading.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "alpha-source-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe("a file", () => {
  it("is read with its progress", async () => {
    const log = `${Array.from({ length: 5000 }, (_, i) => line({ id: i })).join("\n")}\n`;
    const { batches, entries } = await collect(file("log.jsonl", log));
    expect(entries).toHaveLength(5000);
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.every(({ totalBytes }) => totalBytes === log.length)).toBe(true);
    const read = batches.map(({ bytesRead }) => bytesRead);
    expect(read).toEqual([...read].sort((a, b) => a - b));
    expect([read.at(-1), batches.at(-1)?.lines]).toEqual([log.length, 5000]);
  });

  it("may be gzip, in several members and whatever its name, with the progress of the compressed size", async () => {
    const log = Array.from({ length: 5000 }, (_, i) => line({ id: i }));
    const members = [log.slice(0, 2500), log.slice(2500)].map((part) => gzipSync(`${part.join("\n")}\n`));
    const path = file("log.csv", Buffer.concat(members));
    const { batches, entries } = await collect(path);
    expect(entries).toHaveLength(5000);
    const last = batches.at(-1);
    expect([last?.bytesRead, last?.totalBytes]).toEqual([statSync(path).size, statSync(path).size]);
  });

  it("is missing, a directory or empty", async () => {
    const missing = join(folder, "none.jsonl");
    expect((await errorOf(collect(missing))).message).toBe(`There is no file ${missing}.`);
    expect((await errorOf(collect(folder))).message).toBe(`${folder} is a directory.`);
    const empty = file("empty", "");
    expect((await errorOf(collect(empty))).message).toBe(`${empty} is empty.`);
    const emptyGzip = file("empty.gz", gzipSync(""));
    expect((await errorOf(collect(emptyGzip))).message).toBe(`${emptyGzip} is empty.`);
  });

  it("is damaged or cut off gzip", async () => {
    const whole = gzipSync(Array.from({ length: 5000 }, (_, i) => line({ id: `${i}` })).join("\n"));
    const short = file("short.gz", whole.subarray(0, -20));
    expect((await errorOf(collect(short))).message).toBe(`${short} is gzip, but damaged or cut off.`);
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, whole.length >> 1, (whole.length >> 1) + 50);
    expect((await errorOf(readAll(damaged))).message).toBe("stdin is gzip, but damaged or cut off.");
  });
});

describe("what is no text", () => {
  it.each<[string, Buffer, string]>([
    ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]), "is compressed with zstd."],
    ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), "is compressed with xz."],
    ["bzip2", Buffer.from("BZh91AY&SY"), "is compressed with bzip2."],
    ["zip", Buffer.from("PK\x03\x04rest"), "is a zip archive or a spreadsheet."],
    ["SQLite", Buffer.from("SQLite format 3\0more"), "is an SQLite database, not a log."],
    ["UTF-16", Buffer.from(`\ufeff${line()}`, "utf16le"), "is UTF-16 text."],
    ["NUL bytes", Buffer.from("timestamp,images\n\0\0\0"), "is a binary file, not a log."],
    ["gzip of gzip", gzipSync(gzipSync(line())), "is a binary file, not a log."],
  ])("%s", async (_, content, what) => {
    const path = file("strange", content);
    const error = await errorOf(collect(path));
    expect([error.code, error.message]).toEqual(["failed", `${path} ${what}`]);
    expect(error.hint).toBeTruthy();
    expect((await errorOf(readAll(cut(content, 1)))).message).toBe(`stdin ${what}`);
  });

  it("says how to decompress", async () => {
    const path = file("log.zst", Buffer.from([0x28, 0xb5, 0x2f, 0xfd]));
    expect((await errorOf(collect(path))).hint).toBe(
      `Convert it on the way in: zstd -dc '${path}' | alpha usage import -`,
    );
  });
});

describe("standard input", () => {
  it("may be gzip and has no size", async () => {
    const { batches, entries } = await readAll(cut(gzipSync(`\ufeff${line()}`), 3));
    expect(entries).toHaveLength(1);
    expect(batches.at(-1)?.totalBytes).toBeNull();
  });

  it("is asked for where there is none", async () => {
    expect((await errorOf(collect("-"))).code).toBe("usage");
  });

  it("can be interrupted while nothing comes, and before it begins", async () => {
    const stdin = new PassThrough();
    const abort = new AbortController();
    const reading = errorOf(collect("-", { stdin, signal: abort.signal }));
    stdin.write(line());
    abort.abort();
    expect((await reading).code).toBe("interrupted");
    expect((await errorOf(readAll(line(), { signal: AbortSignal.abort() }))).code).toBe("interrupted");
  });
});
