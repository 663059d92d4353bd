import type { Fields } from "./importer.js";
import { isObject } from "./record-fields.js";

const NAMES: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null" };
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
/** How many hexadecimal digits follow. */
const CODES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const NAME = /[A-Za-z]/;

/**
 * Reads a dict as Python prints it, which is how objects of a database end up in CSV: strings in single or double
 * quotes, `True`, `False`, `None`. `null` for anything else, dates and tuples among it.
 */
export function parsePythonDict(text: string): Fields | null {
  const json = toJson(text);
  if (json === null) return null;
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function toJson(text: string): string | null {
  if (!text.trimStart().startsWith("{")) return null;
  let json = "";
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === "'" || char === '"') {
      const string = readString(text, at + 1, char);
      if (string === null) return null;
      json += JSON.stringify(string.value);
      at = string.end;
    } else if (NAME.test(char)) {
      const name = readName(text, at);
      // Anything but a name, such as the exponent of a number, is left for the parser of JSON to judge.
      json += NAMES[name] ?? name;
      at += name.length;
    } else {
      json += char;
      at++;
    }
  }
  return json;
}

function readName(text: string, from: number): string {
  let end = from;
  while (end < text.length && NAME.test(text[end]!)) end++;
  return text.slice(from, end);
}

function readString(text: string, from: number, quote: string): { value: string; end: number } | null {
  let value = "";
  let at = from;
  while (at < text.length && text[at] !== quote) {
    if (text[at] !== "\\") {
      value += text[at++];
      continue;
    }
    const escaped = text[at + 1] ?? "";
    const digits = CODES[escaped] ?? 0;
    const code = Number.parseInt(text.slice(at + 2, at + 2 + digits), 16);
    if (digits > 0 && !(code <= 0x10ffff)) return null;
    value += digits > 0 ? String.fromCodePoint(code) : (ESCAPES[escaped] ?? escaped);
    at += 2 + digits;
  }
  return at < text.length ? { value, end: at + 1 } : null;
}
