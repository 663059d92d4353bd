import { closeSync, openSync, readSync, renameSync, rmSync, type Stats, statSync, writeSync } from "node:fs";
import { AlphaError } from "../../../errors.js";
import { type Reject, rejectLine } from "../../../importers/rejects.js";

const FLUSH_CHARS = 64 * 1024;
/** The beginning of every line of a rejects file. */
const MARK = '{"rejected":';

/**
 * Keeps rejects in a file that can be imported again. Written beside its name and moved there at the end, so that
 * neither an interrupted run nor a full disk leaves half of one in place of another.
 */
export class RejectsFile {
  readonly #path: string;
  readonly #fd: number;
  #pending = "";

  /**
   * @param inputs the logs that are read, which it must not overwrite
   * @throws AlphaError `usage` when the path is an input or holds something else than rejects, `failed` when it cannot
   * be written; then nothing was touched
   */
  constructor(path: string, inputs: readonly string[]) {
    this.#path = path;
    requireFree(path, inputs);
    this.#fd = attempt(path, () => openSync(this.#temporary, "w"));
  }

  get #temporary(): string {
    return `${this.#path}.part`;
  }

  add(reject: Reject): void {
    this.#pending += `${rejectLine(reject)}\n`;
    if (this.#pending.length >= FLUSH_CHARS) this.#flush();
  }

  /** Puts the file in its place; empty when nothing was rejected. */
  keep(): void {
    this.#flush();
    attempt(this.#path, () => {
      closeSync(this.#fd);
      renameSync(this.#temporary, this.#path);
    });
  }

  /** Leaves no trace. */
  discard(): void {
    closeSync(this.#fd);
    rmSync(this.#temporary, { force: true });
  }

  #flush(): void {
    const text = this.#pending;
    this.#pending = "";
    attempt(this.#path, () => {
      const bytes = Buffer.from(text);
      for (let from = 0; from < bytes.length; ) from += writeSync(this.#fd, bytes, from);
    });
  }
}

function requireFree(path: string, inputs: readonly string[]): void {
  const there = attempt(path, () => statSync(path, { throwIfNoEntry: false }));
  if (there === undefined) return;
  if (inputs.some((input) => input !== "-" && isSameFile(input, there))) {
    throw new AlphaError("usage", `--rejects ${path} would overwrite a log that is to be imported`, {
      hint: "name another file",
    });
  }
  if (there.isFile() && (there.size === 0 || beginsWithMark(path))) return;
  throw new AlphaError("usage", `--rejects ${path} exists and is no rejects file`, {
    hint: "name a file that does not exist; only an older rejects file is replaced",
  });
}

function isSameFile(input: string, { ino, dev }: Stats): boolean {
  try {
    const found = statSync(input);
    return found.ino === ino && found.dev === dev;
  } catch {
    return false;
  }
}

function beginsWithMark(path: string): boolean {
  return attempt(path, () => {
    const fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(MARK.length);
      return readSync(fd, head, 0, head.length, 0) > 0 && head.toString() === MARK;
    } finally {
      closeSync(fd);
    }
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder does not exist",
  EISDIR: "it is a folder",
  EACCES: "its folder is not yours to write",
  EPERM: "its folder is not yours to write",
  EROFS: "the disk is read-only",
  ENOSPC: "there is no room left on the disk",
};

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    throw new AlphaError(
      "failed",
      `the rejects file ${path} cannot be written: ${REASONS[code] ?? message}`,
      {
        hint: "name another place with --rejects",
        cause,
      },
    );
  }
}
