import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const WILD = /[*?]/;
const ANY_FOLDERS = "**";

/** Whether a path holds `*` or `?`. */
export function isPattern(path: string): boolean {
  return WILD.test(path);
}

/**
 * The files that paths name, for shells that leave patterns as they are: `*` is any text within a name, `?` one
 * character, `**` any folders. What a pattern finds is in the order of its names; folders are not among it, nor hidden
 * files that it does not name with their dot. A pattern that finds nothing stays, to be refused like a missing file.
 */
export function expandPaths(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!isPattern(path) || existsSync(path)) return [path];
    const found = matching(path);
    return found.length === 0 ? [path] : found;
  });
}

function matching(pattern: string): string[] {
  const [, root = "", rest = ""] = ROOTED.exec(pattern) ?? [];
  const steps = rest
    .split(SEPARATORS)
    .filter((step, index, all) => step !== "" && !(step === ANY_FOLDERS && all[index - 1] === ANY_FOLDERS));
  return [...new Set(filesBelow(root, steps))].filter(isFile).sort();
}

// Where a backslash separates, no name can hold one.
const windows = process.platform === "win32";
const SEPARATORS = windows ? /[\\/]+/ : /\/+/;
const ROOTED = windows ? /^((?:[a-zA-Z]:)?[\\/]*)(.*)$/s : /^(\/*)(.*)$/s;

function filesBelow(folder: string, [step, ...rest]: readonly string[]): string[] {
  if (step === undefined) return [];
  const isLast = rest.length === 0;
  if (step === ANY_FOLDERS) {
    // At the end it stands for every file below.
    const here = filesBelow(folder, isLast ? ["*"] : rest);
    // A link to a folder is not followed: it may lead back to where it stands.
    const deeper = entriesOf(folder).filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
    return [...here, ...deeper.flatMap(({ name }) => filesBelow(within(folder, name), [step, ...rest]))];
  }
  if (!isPattern(step)) return isLast ? [within(folder, step)] : filesBelow(within(folder, step), rest);
  const names = entriesOf(folder)
    .map(({ name }) => name)
    .filter((name) => matches(name, step) && (step.startsWith(".") || !name.startsWith(".")));
  return names.flatMap((name) => (isLast ? [within(folder, name)] : filesBelow(within(folder, name), rest)));
}

function within(folder: string, name: string): string {
  return folder === "" ? name : join(folder, name);
}

/** A folder that cannot be read holds nothing that could be imported. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder === "" ? "." : folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Whether a name fits a pattern of `*` and `?`, in time proportional to their lengths multiplied: a regular expression
 * may take far longer.
 */
function matches(text: string, wanted: string): boolean {
  const name = [...text];
  const pattern = [...wanted];
  let at = 0;
  let from = 0;
  let star = -1;
  let retry = 0;
  while (at < name.length) {
    if (pattern[from] === "*") {
      star = from++;
      retry = at;
    } else if (pattern[from] === "?" || pattern[from] === name[at]) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[from] === "*") from++;
  return from === pattern.length;
}
