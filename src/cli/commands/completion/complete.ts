import { EXIT } from "../../exit-codes.js";
import type { Io } from "../../io.js";
import { createProgram } from "../../program.js";
import { type Candidate, expected } from "./expected.js";
import { meantBy, valuesFor } from "./values.js";

/** Where help says one of these, the shell completes it better. */
const FILES: ReadonlySet<string> = new Set(["file", "files", "path", "folder"]);

/**
 * Answers a shell: on the first line `words` or `files`, then one candidate a line, a tab and what it is. What the
 * shell shows must never be an error, so whatever goes wrong there is nothing to offer.
 * @param given `--`, the words behind `alpha`, and the one at the cursor, which may be empty
 */
export async function complete(given: readonly string[], io: Io): Promise<number> {
  const words = given.slice(1, -1);
  const current = given.length < 2 ? "" : (given.at(-1) as string);
  const { candidates, value, prefix, begun } = expected(
    createProgram({ io, argv: [], exitCode: EXIT.done }),
    words,
    current,
  );
  if (value !== null && FILES.has(value)) {
    io.stdout.write("files\n");
    return EXIT.done;
  }
  const found =
    value === null ? [] : await offered(meantBy(value, begun), current.slice(prefix.length), words, io);
  const all = [...candidates, ...found.map(({ word, about }) => ({ word: prefix + word, about }))];
  const lines = all.filter(({ word }) => word.startsWith(current) && isPlain(word)).map(lineOf);
  io.stdout.write(["words", ...lines].map((line) => `${line}\n`).join(""));
  return EXIT.done;
}

async function offered(
  value: string,
  current: string,
  words: readonly string[],
  io: Io,
): Promise<readonly Candidate[]> {
  try {
    return await valuesFor(value, current, databaseIn(words), io);
  } catch {
    return [];
  }
}

/** The database that the command line itself names. */
function databaseIn(words: readonly string[]): { readonly database?: string } {
  const at = words.indexOf("--database");
  const assigned = words.find((word) => word.startsWith("--database="))?.slice("--database=".length);
  const database = at >= 0 ? words[at + 1] : assigned;
  return database === undefined ? {} : { database };
}

/** What came with a log may hold anything, and a shell must not meet what steers it. */
function isPlain(word: string): boolean {
  return word !== "" && !/\p{C}/u.test(word);
}

function lineOf({ word, about }: Candidate): string {
  return about === "" ? word : `${word}\t${about.replace(/\p{C}/gu, " ")}`;
}
