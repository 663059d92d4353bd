import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type BillFile, readBills } from "../../src/input/read-bills.js";

export const BILLS_NOW = Date.UTC(2026, 10, 22, 12);

export function billFixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/bills/${name}`, import.meta.url));
}

/** Reads a bill from standard input, given as one chunk or as several. */
export async function readBillText(content: string | Buffer | readonly Buffer[]): Promise<BillFile> {
  const chunks =
    typeof content === "string" ? [Buffer.from(content)] : Buffer.isBuffer(content) ? [content] : content;
  const stdin = Readable.from(chunks, { objectMode: true });
  const [file] = await readBills(["-"], { stdin, now: BILLS_NOW });
  return file!;
}

export async function readBillFixture(name: string): Promise<BillFile> {
  const [file] = await readBills([billFixture(name)], { now: BILLS_NOW });
  return file!;
}
