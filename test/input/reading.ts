import { Readable } from "node:stream";
import type { AlphaError } from "../../src/errors.js";
import type { Reject } from "../../src/importers/rejects.js";
import { type Batch, type ReadOptions, readUsage, type UsageEntry } from "../../src/input/read-usage.js";

export const NOW = Date.UTC(2026, 10, 22);

export interface Reading {
  entries: UsageEntry[];
  rejects: Reject[];
  batches: Batch[];
}

/** Reads a whole log from standard input, given as one chunk or as several. */
export async function readAll(
  content: string | Buffer | readonly Buffer[],
  options: Partial<ReadOptions> = {},
): Promise<Reading> {
  const chunks =
    typeof content === "string" ? [Buffer.from(content)] : Buffer.isBuffer(content) ? [content] : content;
  return collect("-", { stdin: Readable.from(chunks, { objectMode: true }), ...options });
}

export async function collect(path: string, options: Partial<ReadOptions> = {}): Promise<Reading> {
  const reading: Reading = { entries: [], rejects: [], batches: [] };
  for await (const batch of readUsage(path, { now: NOW, ...options })) {
    reading.batches.push(batch);
    reading.entries.push(...batch.records);
    reading.rejects.push(...batch.rejects);
  }
  return reading;
}

export async function errorOf(promise: Promise<unknown>): Promise<AlphaError> {
  const error = await promise.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  if ((error as Error).name !== "AlphaError") throw error;
  return error as AlphaError;
}

/** Cuts bytes into chunks of one size, so that lines and characters are cut too. */
export function cut(content: string | Buffer, size: number): Buffer[] {
  const bytes = Buffer.from(content);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** One record of the native format as a line of JSONL. */
export function line(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ timestamp: "2026-11-01T10:00:00Z", input_tokens: 1, ...fields });
}
