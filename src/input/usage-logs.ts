import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import { parseMapping } from "../importers/mapping.js";
import { QuickNative } from "../importers/quick-native.js";
import { readColumns } from "./column-reader.js";
import { ReadAhead } from "./read-ahead.js";
import { type ReadOptions, requireFormat } from "./read-usage.js";
import { unpackBatch } from "./unpack-columns.js";
import { makeRoom } from "./usage-columns.js";

/** Less is read sooner than a thread is begun. */
const WORTH_A_THREAD = 2 * 1024 * 1024;

export interface LogsOptions {
  readonly now: number;
  /** As `readUsage` takes it. */
  readonly format: string | undefined;
  /** As `parseMapping` takes them. */
  readonly map: readonly string[];
  readonly set: readonly string[];
  readonly stdin: Readable;
  readonly signal: AbortSignal;
}

type LogReading = ReturnType<typeof unpackBatch>;

/** A log that is opened when it is read. */
export interface Log {
  /** The path as it was given, or `stdin`. */
  readonly name: string;
  /** `null` for what is no regular file. What is wrong with one is found out, and said, when it is read. */
  readonly bytes: number | null;
  /** To be called once, in the order of the logs. */
  read(): AsyncGenerator<LogReading, void, undefined>;
}

export interface Logs {
  readonly all: readonly Log[];
  close(): Promise<void>;
}

/**
 * Logs to be read one after the other. Where there is much to read, a thread of its own begins at once.
 * @throws AlphaError `usage` for options that nothing can be read with
 */
export function openLogs(paths: readonly string[], options: LogsOptions): Logs {
  const { now, format, map, set, stdin, signal } = options;
  requireFormat(format);
  const here = { now, format, mapping: parseMapping(map, set), stdin, signal, quick: new QuickNative(now) };
  const files = paths.map((path) => ({ path, bytes: path === "-" ? null : sizeOf(path) }));
  const regular = files.filter(({ bytes }) => bytes !== null);
  const isMuch = regular.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) >= WORTH_A_THREAD;
  const ahead = isMuch
    ? new ReadAhead({ files: regular.map(({ path }) => path), now, format, map, set })
    : null;
  return {
    all: files.map((file) => ({
      name: file.path === "-" ? "stdin" : file.path,
      bytes: file.bytes,
      read: () =>
        ahead === null || file.bytes === null
          ? readHere(file.path, here)
          : ahead.read(regular.indexOf(file), signal),
    })),
    close: async () => ahead?.close(),
  };
}

async function* readHere(path: string, options: ReadOptions): AsyncGenerator<LogReading, void, undefined> {
  const room = makeRoom();
  for await (const { batch, kept } of readColumns(path, options, () => room)) {
    yield unpackBatch(batch, (places) => places.map((place) => kept.textAt(place)));
  }
}

function sizeOf(path: string): number | null {
  try {
    const stat = statSync(path);
    return stat.isFile() ? stat.size : null;
  } catch {
    return null;
  }
}
