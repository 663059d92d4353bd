import { AlphaError } from "../errors.js";
import { detectDelimiter } from "./csv-text.js";
import { JsonSplitter } from "./json-splitter.js";

export const CONTAINERS = ["jsonl", "json", "csv"] as const;
/** How a log holds its records. */
export type Container = (typeof CONTAINERS)[number];

/** How much of a file is looked at to tell how it holds its records, unless its first line is shorter. */
export const SNIFFED_BYTES = 256 * 1024;

/** What a line of JSON ends with when the object goes on in the next. */
const GOING_ON = ["{", "[", ","];

/**
 * Tells the container by the beginning of the first line that is not blank. Throws `failed` when it is none. `isWhole`:
 * that is all of the line.
 */
export function detectContainer(start: Buffer, isWhole: boolean, name: string): Container {
  const text = start.toString("utf8").trim();
  if (text.startsWith("[")) return "json";
  if (text.startsWith("{")) return isJsonLine(start, text, isWhole) ? "jsonl" : "json";
  if (detectDelimiter(text) !== null) return "csv";
  throw new AlphaError("failed", `${name} looks like neither JSON nor CSV.`, {
    hint: "JSON is one object a line, one list, or an object around a list; CSV has a header line with commas, semicolons or tabs. If it is one of them, say which with --format jsonl, json or csv.",
  });
}

/** Whether the line is an object of its own, be it a broken one, and not the beginning of what goes on below. */
function isJsonLine(start: Buffer, text: string, isWhole: boolean): boolean {
  if (isWhole) {
    if (isJson(text)) return true;
    if (GOING_ON.includes(text.at(-1) ?? "")) return false;
  }
  let areSound = true;
  const splitter = new JsonSplitter({
    record: (record) => {
      areSound &&= isJson(record);
    },
    badRecord: () => {
      areSound = false;
    },
  });
  splitter.push(start);
  if (splitter.enteredList) return false;
  const areSeveral = isWhole && splitter.end() && areSound;
  return !areSeveral;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
