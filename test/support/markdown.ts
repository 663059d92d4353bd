import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Folders of the project; what is named below one of them must be there. */
const OURS = /^(?:bench|bin|data|docs|migrations|scripts|src|test)\/[\w./-]*$/;

export interface Document {
  /** From the root of the project. */
  readonly path: string;
  readonly text: string;
}

/** The documents for readers: those of docs/, and the README. */
export function documents(): Document[] {
  const names = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  const paths = ["README.md", ...names.map((name) => `docs/${name}`)].filter((path) =>
    existsSync(join(ROOT, path)),
  );
  return paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

const FENCE = /^```(\w*)[^\n]*\n([\s\S]*?)^```/gm;

function withoutBlocks(text: string): string {
  return text.replace(FENCE, "");
}

/** As GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...withoutBlocks(text).matchAll(/^#+ +(.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** Links within the project that lead nowhere. */
export function brokenLinks({ path, text }: Document): string[] {
  const links = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = "", anchor] = link.split("#");
    const target = join(ROOT, dirname(path), file);
    if (file !== "" && !existsSync(target)) return true;
    if (anchor === undefined) return false;
    return !anchorsOf(file === "" ? text : readFileSync(target, "utf8")).has(anchor);
  });
}

/** Paths of ours in `code` that do not exist. */
export function missingPaths({ text }: Document): string[] {
  const spans = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return spans.filter((span) => OURS.test(span) && !existsSync(join(ROOT, span)));
}

/** The command lines of `alpha` in the code blocks for a shell, as words without the `alpha`. */
export function commandLines({ text }: Document): string[][] {
  return [...text.matchAll(FENCE)].flatMap(([, language = "", block = ""]) => {
    if (!["", "sh", "bash", "console", "shell", "text"].includes(language)) return [];
    const typed = block.replaceAll("\\\n", " ").split("\n");
    const lines = ["console", "text", ""].includes(language)
      ? typed.flatMap((line) => (line.startsWith("$ ") ? [line.slice(2)] : []))
      : typed;
    return lines.flatMap(alphaIn);
  });
}

/** The commands `alpha` in a line of a shell. */
function alphaIn(line: string): string[][] {
  return splitCommands(line).flatMap((words) => {
    const at = words[0] === "npx" || words[0] === "sudo" ? 1 : 0;
    return words[at] === "alpha" ? [words.slice(at + 1)] : [];
  });
}

/** Words of each command of a line, as a shell would split them; expansions stay as they are. */
function splitCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token, quoted1, quoted2] of line.matchAll(
    /'([^']*)'|"([^"]*)"|[|;&()]+|\d?[<>]+&?\s*\S+|#.*$|[^\s|;&()'"]+/g,
  )) {
    const quoted = quoted1 ?? quoted2;
    if (quoted === undefined && /^[|;&()]/.test(token)) commands.push([]);
    else if (quoted === undefined && (token.startsWith("#") || /^\d?[<>]/.test(token))) continue;
    else commands.at(-1)?.push(quoted ?? token);
  }
  return commands;
}

/** What is called a command of `alpha` in running text: `alpha users add …`. */
export function commandsInText({ text }: Document): string[][] {
  return [...withoutBlocks(text).matchAll(/`alpha ([a-z][^`\n]*)`/g)].map(([, words = ""]) =>
    words.split(/\s+/),
  );
}
