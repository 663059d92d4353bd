import { closeSync, fsyncSync, openSync, renameSync, rmSync, type Stats, statSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { AlphaError } from "../errors.js";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder does not exist",
  EISDIR: "it is a folder",
  EACCES: "its folder is not yours to write",
  EPERM: "its folder is not yours to write",
  EROFS: "the disk is read-only",
  ENOSPC: "there is no room left on the disk",
};

/**
 * What stands at a path that is to be written; `null`: nothing.
 * @param keep files that must not be overwritten, whoever agrees to it
 * @throws AlphaError `usage` for what is no file of its own, `failed` for what cannot be looked at
 */
export function whatStandsAt(path: string, keep: readonly string[]): Stats | null {
  let there: Stats | undefined;
  try {
    there = statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw unwritable(path, cause);
  }
  if (there === undefined) return null;
  if (!there.isFile()) {
    throw new AlphaError("usage", `${path} is no file that could be replaced`, {
      hint: "name a file, or - for standard output",
    });
  }
  const { ino, dev } = there;
  const isKept = keep.some((other) => {
    const found = statSync(other, { throwIfNoEntry: false });
    return found?.ino === ino && found.dev === dev;
  });
  if (isKept) {
    throw new AlphaError("usage", `${path} is the database itself`, { hint: "name another file" });
  }
  return there;
}

/**
 * Writes a file piece by piece. It is written beside its name and moved there at the end, so that neither an interrupted
 * run nor a full disk leaves half of one, or takes away the one that was there.
 */
export class OutputFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #isGzip: boolean;
  #bytes = 0;

  /**
   * @param path compressed with gzip where its name ends in `.gz`
   * @throws AlphaError `failed` when it cannot be written
   */
  constructor(path: string) {
    this.#path = path;
    this.#isGzip = /\.gz$/i.test(path);
    this.#fd = this.#attempt(() => openSync(this.#temporary, "w"));
  }

  get #temporary(): string {
    return `${this.#path}.part`;
  }

  /** @throws AlphaError `failed` when it cannot be written */
  write(text: string): void {
    // What gzip has compressed piece by piece is a file of gzip, too.
    const bytes = this.#isGzip ? gzipSync(text) : Buffer.from(text);
    this.#attempt(() => {
      for (let from = 0; from < bytes.length; ) from += writeSync(this.#fd, bytes, from);
    });
    this.#bytes += bytes.length;
  }

  /**
   * Puts the file in its place.
   * @returns how many bytes it has
   * @throws AlphaError `failed` when it cannot be written
   */
  keep(): number {
    if (this.#bytes === 0) this.write("");
    this.#attempt(() => {
      // Lest a machine that goes down leaves the name without the content.
      fsyncSync(this.#fd);
      renameSync(this.#temporary, this.#path);
      closeSync(this.#fd);
    });
    return this.#bytes;
  }

  /** Leaves no trace. To be called instead of `keep`, and after one that failed. */
  discard(): void {
    closeSync(this.#fd);
    rmSync(this.#temporary, { force: true });
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw unwritable(this.#path, cause);
    }
  }
}

function unwritable(path: string, cause: unknown): AlphaError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return new AlphaError("failed", `${path} cannot be written: ${REASONS[code] ?? message}`, {
    hint: "name another place",
    cause,
  });
}
