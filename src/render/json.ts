import { escapeInJson } from "./sanitize.js";

/** The version of the envelope. Fields are only ever added to it, so it stays the same. */
const SCHEMA = 1;

/**
 * What every command prints under `--json`, newline-terminated. `kind` names what `data` is. Throws as `toJson` does.
 */
export function envelope(kind: string, data: unknown, meta: Readonly<Record<string, unknown>> = {}): string {
  return `${toJson({ schema: SCHEMA, kind, data, meta })}\n`;
}

/**
 * JSON of plain data: null, booleans, numbers, strings, arrays and plain objects, whose undefined fields are left out.
 * A bigint is printed as an integer. Characters that steer a terminal are escaped, which a parser undoes.
 *
 * @param indent spaces for each level; 0 prints one line.
 * @throws TypeError for whatever JSON cannot say and would be lost silently: NaN, Infinity, dates, maps, functions.
 */
export function toJson(value: unknown, indent = 2): string {
  return write(value, indent, "", "$");
}

function write(value: unknown, indent: number, margin: string, path: string): string {
  switch (typeof value) {
    case "string":
      return escapeInJson(JSON.stringify(value));
    case "bigint":
    case "boolean":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${path} is ${value}, which JSON cannot say`);
      return JSON.stringify(value);
    case "object":
      return value === null ? "null" : writeStructure(value, indent, margin, path);
    default:
      throw new TypeError(`${path} is ${typeof value}, which JSON cannot say`);
  }
}

function writeStructure(value: object, indent: number, margin: string, path: string): string {
  const inner = margin + " ".repeat(indent);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => write(item, indent, inner, `${path}[${index}]`));
    return bracket("[", items, "]", indent, margin);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`${path} is a ${value.constructor.name}, which JSON cannot say`);
  }
  const colon = indent === 0 ? ":" : ": ";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(
      ([key, member]) =>
        escapeInJson(JSON.stringify(key)) + colon + write(member, indent, inner, `${path}.${key}`),
    );
  return bracket("{", members, "}", indent, margin);
}

function bracket(
  open: string,
  items: readonly string[],
  close: string,
  indent: number,
  margin: string,
): string {
  if (items.length === 0) return open + close;
  if (indent === 0) return open + items.join(",") + close;
  const inner = margin + " ".repeat(indent);
  return `${open}\n${items.map((item) => inner + item).join(",\n")}\n${margin}${close}`;
}
