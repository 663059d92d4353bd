import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A source file: its path from the root of the project, with `/`, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

interface Layer {
  /** Files and folders of the project, without `.ts`; a folder ends in `/`. */
  readonly files: readonly string[];
  /** Packages and modules of Node; `node:*` means all of these, `*` everything. */
  readonly packages: readonly string[];
  /** What its code must not say; comments do not count, and texts only where `inTexts` says so. */
  readonly never?: readonly { readonly words: RegExp; readonly why: string; readonly inTexts?: boolean }[];
}

const IMPURE = [
  { words: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\b/, why: "reads the clock" },
  { words: /\bMath\.random\b|\bcrypto\b/, why: "is random" },
  { words: /\bprocess\b/, why: "knows the process" },
  { words: /\bconsole\b/, why: "prints" },
];
const NO_PROMISES = {
  words: /\bPromise\b|\basync\b|\bawait\b|\bset(?:Timeout|Interval|Immediate)\b/,
  why: "is asynchronous",
};
const ONE_DATABASE = {
  words:
    /\bpragma\b|\bjson_each\b|\bjson_extract\b|\browid\b|\binsert or\b|\breplace into\b|\bsqlite_|\bstrftime\b|\bjulianday\b|\bgroup_concat\b|\bifnull\b|\bglob\b|\bbegin immediate\b|\btypeof\(/i,
  why: "is SQL of one database only",
  inTexts: true,
};

/** Every place that code may live in, with what it may know. The longest path that fits a file is its layer. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  "src/errors": { files: [], packages: [] },
  "src/domain/": { files: ["src/domain/", "src/errors"], packages: [], never: [...IMPURE, NO_PROMISES] },
  "src/engine/": {
    files: ["src/domain/", "src/engine/", "src/errors"],
    packages: ["fastest-levenshtein"],
    never: IMPURE,
  },
  "src/render/": {
    files: ["src/domain/", "src/render/", "src/errors"],
    packages: ["chalk", "fast-string-width"],
  },
  // Runs in a browser, where there is nothing but what is bundled with it.
  "src/report-page/": {
    files: ["src/report-page/", "src/render/html-data", "src/domain/money"],
    packages: ["chart.js"],
  },
  "src/importers/": {
    files: ["src/domain/", "src/importers/", "src/errors"],
    packages: ["node:crypto", "fastest-levenshtein"],
  },
  "src/input/": {
    files: ["src/domain/", "src/importers/", "src/input/", "src/errors"],
    packages: ["node:*", "csv-parse", "fastest-levenshtein"],
  },
  "src/prices/": {
    files: ["src/domain/", "src/prices/", "src/errors"],
    // Node's own, to read which version of the package is installed.
    packages: ["@pydantic/genai-prices", "node:fs", "node:module", "node:path"],
  },
  "src/store/": {
    files: [
      "src/domain/",
      "src/engine/ports",
      "src/engine/ports/",
      "src/store/",
      "src/errors",
      "migrations/",
    ],
    packages: ["kysely", "node:*"],
    never: [ONE_DATABASE],
  },
  "src/store/sqlite/": {
    files: [
      "src/domain/",
      "src/engine/ports",
      "src/engine/ports/",
      "src/store/",
      "src/errors",
      "migrations/",
    ],
    packages: ["kysely", "better-sqlite3", "node:*"],
  },
  "src/store/postgres/": {
    files: [
      "src/domain/",
      "src/engine/ports",
      "src/engine/ports/",
      "src/store/",
      "src/errors",
      "migrations/",
    ],
    packages: ["kysely", "pg", "node:*"],
  },
  "migrations/": { files: ["migrations/"], packages: ["kysely"], never: [ONE_DATABASE] },
  "src/ids": { files: ["src/engine/ports"], packages: ["node:crypto"] },
  "src/version": { files: [], packages: [] },
  "src/open-limits": {
    files: ["src/domain/", "src/engine/", "src/prices/", "src/store/", "src/errors", "src/ids"],
    packages: ["node:*"],
  },
  "src/index": { files: ["src/domain/", "src/engine/", "src/errors", "src/open-limits"], packages: [] },
  // The frameworks see what every user of the library sees, and nothing below it.
  "src/express": { files: ["src/index", "src/integrations/"], packages: ["node:http", "node:crypto"] },
  "src/ai-sdk": { files: ["src/index", "src/integrations/"], packages: ["ai"] },
  "src/integrations/": { files: ["src/index", "src/integrations/"], packages: ["node:http", "ai"] },
  "src/cli/": {
    files: [
      "src/cli/",
      "src/domain/",
      "src/engine/",
      "src/importers/",
      "src/input/",
      "src/prices/",
      "src/render/",
      "src/store/",
      "src/errors",
      "src/ids",
      "src/version",
    ],
    packages: ["*"],
  },
};

/** The most lines that a file of the program may have. */
export const MOST_LINES = 400;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Every TypeScript file below a folder of the project. */
export function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile() && found.name.endsWith(".ts"))
    .map((found) => join(found.parentPath, found.name))
    .map((path) => ({
      path: relative(ROOT, path).split(sep).join("/"),
      text: readFileSync(path, "utf8"),
    }));
}

const TOKENS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;

function withoutComments(text: string): string {
  return text.replace(TOKENS, (token) => (token.startsWith("/") ? " " : token));
}

function withoutTexts(text: string): string {
  // What a template computes is code.
  return text.replace(TOKENS, (token) =>
    token.startsWith("/")
      ? " "
      : token.startsWith("`")
        ? (token.match(/\$\{[^}]*\}/g) ?? []).join(" ")
        : '""',
  );
}

const IMPORTS = /(?<!["'`.])\b(?:from|import|import\s*\(|require\s*\()\s*["'`]([^"'`\s]+)["'`]/g;

export function importsOf(text: string): string[] {
  return [...withoutComments(text).matchAll(IMPORTS)].map((match) => match[1]!);
}

function layerOf(path: string): [string, Layer] | undefined {
  const stem = path.replace(/\.ts$/, "");
  const names = Object.keys(LAYERS).filter((name) =>
    name.endsWith("/") ? stem.startsWith(name) : stem === name,
  );
  const name = names.sort((a, b) => b.length - a.length)[0];
  return name === undefined ? undefined : [name, LAYERS[name]!];
}

function allowsPackage(layer: Layer, name: string): boolean {
  return layer.packages.some(
    (allowed) =>
      allowed === "*" ||
      name === allowed ||
      name.startsWith(`${allowed}/`) ||
      (allowed === "node:*" && name.startsWith("node:")),
  );
}

function allowsFile(layer: Layer, stem: string): boolean {
  return layer.files.some((allowed) => (allowed.endsWith("/") ? stem.startsWith(allowed) : stem === allowed));
}

/** What is wrong with a file: one sentence each; none when it keeps to its layer. */
export function violationsOf({ path, text }: Source): string[] {
  const found = layerOf(path);
  if (found === undefined) return [`${path} is in no layer`];
  const [name, layer] = found;
  const wrong: string[] = [];
  for (const imported of importsOf(text)) {
    if (!imported.startsWith(".")) {
      if (!allowsPackage(layer, imported)) wrong.push(`${path}: ${name} must not import ${imported}`);
      continue;
    }
    if (!imported.endsWith(".js")) wrong.push(`${path}: the import of ${imported} does not end in .js`);
    const stem = join(dirname(path), imported).split(sep).join("/").replace(/\.js$/, "");
    if (!allowsFile(layer, stem)) wrong.push(`${path}: ${name} must not import ${stem}`);
  }
  for (const { words, why, inTexts } of layer.never ?? []) {
    const match = words.exec(inTexts === true ? withoutComments(text) : withoutTexts(text));
    if (match !== null) wrong.push(`${path}: "${match[0]}" ${why}, which ${name} must not`);
  }
  const lines = text.split("\n").length - 1;
  if (path.startsWith("src/") && lines > MOST_LINES) wrong.push(`${path} has ${lines} lines`);
  return wrong;
}
