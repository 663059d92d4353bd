import { AlphaError } from "../errors.js";

/** How many of the first bytes are looked at. NUL bytes never stand in text, and come early in anything else. */
export const HEAD_BYTES = 4096;

const GZIP = [0x1f, 0x8b];
const UTF8_BOM = [0xef, 0xbb, 0xbf];

interface Foreign {
  readonly signature: readonly number[];
  readonly what: string;
  readonly hint: (name: string) => string;
}

const FOREIGN: readonly Foreign[] = [
  { signature: [0x28, 0xb5, 0x2f, 0xfd], what: "is compressed with zstd", hint: pipe("zstd -dc") },
  { signature: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "is compressed with xz", hint: pipe("xz -dc") },
  { signature: [0x42, 0x5a, 0x68], what: "is compressed with bzip2", hint: pipe("bzip2 -dc") },
  { signature: [0x50, 0x4b, 0x03, 0x04], what: "is a zip archive or a spreadsheet", hint: unpack },
  {
    signature: [...Buffer.from("SQLite format 3")],
    what: "is an SQLite database, not a log",
    hint: exported,
  },
  { signature: [...Buffer.from("PAR1")], what: "is a Parquet file", hint: exported },
  { signature: [0xff, 0xfe], what: "is UTF-16 text", hint: pipe("iconv -f UTF-16 -t UTF-8") },
  { signature: [0xfe, 0xff], what: "is UTF-16 text", hint: pipe("iconv -f UTF-16 -t UTF-8") },
];

function pipe(command: string): (name: string) => string {
  return (name) =>
    name === "stdin"
      ? `Put \`${command}\` before it in the pipe.`
      : `Convert it on the way in: ${command} '${name}' | alpha usage import -`;
}

function unpack(name: string): string {
  return name === "stdin"
    ? "Unpack it, or save the spreadsheet as CSV, and import that."
    : `Unpack it on the way in: unzip -p '${name}' | alpha usage import -; save a spreadsheet as CSV instead.`;
}

function exported(): string {
  return "Export the records as CSV or JSONL and import those.";
}

export function isGzip(head: Uint8Array): boolean {
  return startsWith(head, GZIP);
}

/** The text without a byte order mark. */
export function withoutBom(head: Buffer): Buffer {
  return startsWith(head, UTF8_BOM) ? head.subarray(UTF8_BOM.length) : head;
}

/** Throws `failed` when the first bytes, after gzip, are of a file that cannot hold lines of UTF-8 text. */
export function assertText(head: Buffer, name: string): void {
  const foreign = FOREIGN.find(({ signature }) => startsWith(head, signature));
  if (foreign) throw new AlphaError("failed", `${name} ${foreign.what}.`, { hint: foreign.hint(name) });
  if (head.subarray(0, HEAD_BYTES).includes(0)) {
    throw new AlphaError("failed", `${name} is a binary file, not a log.`, {
      hint: "Give a JSONL or CSV file; it may be compressed with gzip.",
    });
  }
}

function startsWith(head: Uint8Array, signature: readonly number[]): boolean {
  return head.length >= signature.length && signature.every((byte, i) => head[i] === byte);
}
