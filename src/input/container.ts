import { AlphaError } from "../errors.js";
import { detectDelimiter } from "./csv-text.js";
import { JsonSplitter } from "./json-splitter.js";

export const CONTAINERS = ["jsonl", "json", "csv"] as const;
/** How a log holds its records. */
export type Container = (typeof CONTAINERS)[number];

/** How much of a file is looked at to tell how it holds its records, unless its first line is shorter. */
export const SNIFFED_BYTES = 256 * 1024;
/** How many blanks a line may end with. */
const MOST_BLANKS = 64;

/** What a line of JSON ends with when the object goes on in the next. */
const GOING_ON = /[{[,]\s*$/;

/** The first line of a file that is not blank. */
export interface FirstLine {
  readonly start: Buffer;
  /** Whether that is all of the line. */
  readonly isWhole: boolean;
  /** The first character on the lines after it, where it is known; else empty. */
  readonly next: string;
}

/** Whether the container can only be told with what comes after the first line. */
export function needsNext(line: Buffer): boolean {
  return GOING_ON.test(line.subarray(-MOST_BLANKS).toString("latin1"));
}

/** Tells the container by the first line. Throws `failed` when it is none. */
export function detectContainer(line: FirstLine, name: string): Container {
  const text = line.start.toString("utf8").trim();
  if (text.startsWith("[")) return "json";
  if (text.startsWith("{")) return isJsonLine(line, text) ? "jsonl" : "json";
  if (detectDelimiter(text) !== null) return "csv";
  throw new AlphaError("failed", `${name} looks like neither JSON nor CSV.`, {
    hint: "JSON is one object a line, one list, or an object around a list; CSV has a header line with commas, semicolons or tabs. If it is one of them, say which with --format jsonl, json or csv.",
  });
}

/** Whether the line is an object of its own, be it a broken one, and not the beginning of what goes on below. */
function isJsonLine({ start, isWhole, next }: FirstLine, text: string): boolean {
  if (isWhole) {
    if (isJson(text)) return true;
    if (GOING_ON.test(text)) return isCut(text, next);
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

/** Whether what begins with `next` cannot be what a line goes on with: within a text, or a value where a key has to be. */
function isCut(text: string, next: string): boolean {
  const open: string[] = [];
  let isInText = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (isInText && character === "\\") at += 1;
    else if (character === '"') isInText = !isInText;
    else if (!isInText && "{[".includes(character)) open.push(character);
    else if (!isInText && "}]".includes(character)) open.pop();
  }
  return isInText || (open.at(-1) === "{" && next === "{");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
