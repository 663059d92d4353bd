import { type FileHandle, open } from "node:fs/promises";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { AlphaError } from "../errors.js";
import { isPattern } from "./log-paths.js";
import { assertText, HEAD_BYTES, isGzip, withoutBom } from "./signatures.js";

const CHUNK_BYTES = 256 * 1024;
const STDIN_NAME = "stdin";

export interface SourceOptions {
  /** Read when the path is `-`. */
  readonly stdin?: Readable | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A log opened for reading: its text as bytes, decompressed and without a byte order mark. */
export interface Source {
  /** The path as it was given, or `stdin`. */
  readonly name: string;
  /** The size on disk; `null` for a stream. */
  readonly totalBytes: number | null;
  /** How much of it was read, in the bytes that `totalBytes` counts: before decompression. */
  bytesRead(): number;
  /** Can be read once. Throws `failed` for what is not text, `interrupted` on abort. Closes the file at its end. */
  chunks(): AsyncGenerator<Buffer, void, undefined>;
}

/** Opens a file, or `-` for `stdin`. Throws `failed` when it is missing, unreadable, a directory or empty. */
export async function openSource(path: string, options: SourceOptions = {}): Promise<Source> {
  if (path !== "-") return openFile(path, options.signal);
  if (!options.stdin) {
    throw new AlphaError("usage", "There is no standard input to read.", {
      hint: "Give the path of a file.",
    });
  }
  return makeSource(STDIN_NAME, null, options.stdin, options.signal);
}

async function openFile(path: string, signal: AbortSignal | undefined): Promise<Source> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    throw cannotOpen(path, cause);
  }
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw isDirectory(path);
    const stream = file.createReadStream({ highWaterMark: CHUNK_BYTES });
    // A named pipe has no size either.
    return makeSource(path, stat.isFile() ? stat.size : null, stream, signal);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function makeSource(
  name: string,
  totalBytes: number | null,
  stream: Readable,
  signal: AbortSignal | undefined,
): Source {
  let bytesRead = 0;
  async function* counted(): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of stream) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
      bytesRead += bytes.length;
      yield bytes;
    }
  }

  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    // Destroying the stream also ends a wait for input that may never come.
    const abort = () => stream.destroy(interrupted(name));
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const bytes = withHead(counted());
      const first = await bytes.next();
      if (first.done) throw isEmpty(name);
      const whole = prepend(first.value, bytes);
      yield* isGzip(first.value) ? text(withHead(gunzip(whole)), name) : text(whole, name);
    } catch (error) {
      if (signal?.aborted) throw interrupted(name);
      throw error instanceof AlphaError ? error : cannotRead(name, error);
    } finally {
      signal?.removeEventListener("abort", abort);
      stream.destroy();
    }
  }

  return { name, totalBytes, bytesRead: () => bytesRead, chunks };
}

/** Makes the first chunk as long as the head of the file, so that nothing depends on how the bytes arrive. */
async function* withHead(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length >= HEAD_BYTES) {
      yield head;
      head = null;
    }
  }
  if (head !== null && head.length > 0) yield head;
}

async function* prepend(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield first;
  yield* rest;
}

function gunzip(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // An error of the file or of the data destroys the result, where the reader meets it.
  return pipeline(chunks, createGunzip({ chunkSize: CHUNK_BYTES }), () => {});
}

async function* text(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void, undefined> {
  let first = true;
  for await (const chunk of chunks) {
    if (first) assertText(chunk, name);
    yield first ? withoutBom(chunk) : chunk;
    first = false;
  }
  if (first) throw isEmpty(name);
}

function isEmpty(name: string): AlphaError {
  return new AlphaError("failed", `${name} is empty.`, {
    hint: "Check whether the export that wrote it went through.",
  });
}

function isDirectory(path: string): AlphaError {
  return new AlphaError("failed", `${path} is a directory.`, {
    hint: `Name the files in it that are logs, for example '${path.replace(/[\\/]+$/, "")}/*.jsonl'.`,
  });
}

function interrupted(name: string): AlphaError {
  return new AlphaError("interrupted", `Reading ${name} was interrupted.`);
}

function cannotOpen(path: string, cause: unknown): AlphaError {
  const code = errorCode(cause);
  if (code === "ENOENT" || code === "ENOTDIR") {
    if (isPattern(path)) {
      const hint = "In a pattern, * is any text within a name, ? one character, and ** any folders.";
      return new AlphaError("failed", `No file matches ${path}.`, { hint, cause });
    }
    const hint = "Check the path; it is looked up from the current folder.";
    return new AlphaError("failed", `There is no file ${path}.`, { hint, cause });
  }
  if (code === "EISDIR") return isDirectory(path);
  const denied = code === "EACCES" || code === "EPERM";
  const message = denied
    ? `${path} may not be read by this user.`
    : `${path} cannot be opened: ${reason(cause)}`;
  return new AlphaError("failed", message, { hint: denied ? "Check its permissions." : undefined, cause });
}

function cannotRead(name: string, cause: unknown): AlphaError {
  const code = errorCode(cause) ?? "";
  if (code.startsWith("Z_")) {
    return new AlphaError("failed", `${name} is gzip, but damaged or cut off.`, {
      hint: `Get a whole copy of it. ${name === STDIN_NAME ? "" : `\`gzip -t '${name}'\` checks one.`}`.trim(),
      cause,
    });
  }
  return new AlphaError("failed", `${name} cannot be read: ${reason(cause)}`, { cause });
}

function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
