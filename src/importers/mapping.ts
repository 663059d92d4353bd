import { closest, distance } from "fastest-levenshtein";
import { AlphaError } from "../errors.js";
import { EXPORT_FIELDS, NATIVE_FIELDS, type NativeField } from "./alpha.js";
import type { Fields } from "./importer.js";
import { isRejection, readCost, readCount, readText, readTime } from "./values.js";

/** How the operator's columns become native fields. */
export interface Mapping {
  /** Whether it names columns, so that the log is read as the native format unless another one is named. */
  readonly renames: boolean;
  /** Whether ids come from a column of another name than `id`. */
  readonly renamesId: boolean;
  /** The native fields that it names. */
  readonly names: readonly NativeField[];
  /** The record's fields under native names. Constants win over columns, named columns over native ones. */
  apply(fields: Fields): Fields;
  /** Only what it names, under native names. */
  named(fields: Fields): Fields;
  /** Throws `failed` when `--map` names a column that none of these records has. `name` is the file's. */
  checkColumns(samples: readonly Fields[], name: string): void;
}

interface Pair {
  readonly our: NativeField;
  readonly value: string;
}

/** Several pairs may share one option: `--map timestamp=ts,model=m`. A comma inside a name or value stays. */
const NEXT_MAP = /,(?=\w+=)/;
const NEXT_SET = new RegExp(`,(?=(?:${NATIVE_FIELDS.join("|")})=)`);
/** One value for all records would make them all the same record. */
const NOT_CONSTANT: readonly NativeField[] = ["id", "provider_id"];
const MAX_TYPOS = 3;
const MAX_DEPTH = 3;

/**
 * Reads the values of `--map our=theirs` and `--set our=value`. `theirs` is a column or, in JSONL, a path such as
 * `usage.prompt_tokens`. `null` when there are none. Throws `usage` for what cannot be meant.
 */
export function parseMapping(maps: readonly string[], sets: readonly string[]): Mapping | null {
  const renames = maps.flatMap((text) => text.split(NEXT_MAP)).map((text) => parsePair("--map", text));
  const constants = sets.flatMap((text) => text.split(NEXT_SET)).map((text) => parsePair("--set", text));
  if (renames.length === 0 && constants.length === 0) return null;

  const seen = new Set<NativeField>();
  for (const { our } of [...renames, ...constants]) {
    if (seen.has(our)) {
      throw new AlphaError("usage", `"${our}" is given twice.`, {
        hint: "Name each field once, in --map or in --set.",
      });
    }
    seen.add(our);
  }
  for (const pair of constants) checkConstant(pair);

  const untouched = [...NATIVE_FIELDS.filter((our) => !seen.has(our)), ...EXPORT_FIELDS];
  const getters = renames.map(({ our, value }) => ({ our, theirs: value, get: getter(value) }));
  const named = (fields: Fields) => {
    const native: Record<string, unknown> = {};
    for (const { our, get } of getters) native[our] = get(fields);
    for (const { our, value } of constants) native[our] = value;
    return native;
  };
  return {
    renames: renames.length > 0,
    renamesId: renames.some(({ our, value }) => our === "id" && value !== "id"),
    names: [...seen],
    named,
    apply(fields) {
      const native = named(fields);
      for (const our of untouched) {
        if (our in fields) native[our] = fields[our];
      }
      return native;
    },
    checkColumns(samples, name) {
      if (samples.length === 0) return;
      for (const { theirs, get } of getters) {
        if (samples.every((fields) => get(fields) === undefined)) throw noColumn(theirs, samples, name);
      }
    },
  };
}

function parsePair(option: string, text: string): Pair {
  const at = text.indexOf("=");
  const our = text.slice(0, Math.max(at, 0)).trim();
  const value = text.slice(at + 1).trim();
  if (at < 1 || our === "" || value === "") {
    const example = option === "--map" ? "--map input_tokens=PromptTokens" : "--set provider=openai";
    throw new AlphaError(
      "usage",
      `${option} "${text}" is not of the form NAME=${option === "--map" ? "COLUMN" : "VALUE"}.`,
      {
        hint: `For example: ${example}`,
      },
    );
  }
  if (!isNative(our)) {
    const near = closest(our, NATIVE_FIELDS);
    throw new AlphaError("usage", `${option} names "${our}", which is not a field of a usage record.`, {
      hint:
        distance(our, near) <= MAX_TYPOS
          ? `Did you mean ${near}? The fields are ${NATIVE_FIELDS.join(", ")}.`
          : `The fields are ${NATIVE_FIELDS.join(", ")}. Ours comes first: ${option} our=theirs.`,
    });
  }
  return { our, value };
}

function isNative(name: string): name is NativeField {
  return (NATIVE_FIELDS as readonly string[]).includes(name);
}

/** A wrong constant would reject every record, one by one. */
function checkConstant({ our, value }: Pair): void {
  if (NOT_CONSTANT.includes(our)) {
    throw new AlphaError("usage", `--set ${our}=… would give every record the same ${our}.`, {
      hint: `Use --map ${our}=COLUMN, or leave it out: records without an id are told apart by their content.`,
    });
  }
  const read =
    our === "timestamp" ? readAnyTime : our === "cost_usd" ? readCost : isCount(our) ? readCount : readText;
  const result = read({ [our]: value }, our);
  if (isRejection(result))
    throw new AlphaError("usage", `--set ${our}=${value}: the value ${result.reason}.`);
}

function isCount(our: NativeField): boolean {
  return our === "images" || our === "requests" || our.endsWith("_tokens");
}

/** The present is not known here; a constant in the future is refused with the records. */
function readAnyTime(fields: Fields, field: string) {
  return readTime(fields, field, Number.MAX_SAFE_INTEGER);
}

/** Reads a column of that very name, else the path that the name spells. */
function getter(theirs: string): (fields: Fields) => unknown {
  if (!theirs.includes(".")) return (fields) => own(fields, theirs);
  const path = theirs.split(".");
  return (fields) => {
    if (Object.hasOwn(fields, theirs)) return fields[theirs];
    let value: unknown = fields;
    for (const step of path) value = own(value, step);
    return value;
  };
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Fields)[key];
}

function noColumn(theirs: string, samples: readonly Fields[], name: string): AlphaError {
  const columns = columnsOf(samples);
  const near = columns.length === 0 ? theirs : closest(theirs, columns);
  const close = near !== theirs && distance(theirs.toLowerCase(), near.toLowerCase()) <= MAX_TYPOS;
  return new AlphaError(
    "failed",
    `${name} has no column "${theirs}"${close ? `; did you mean ${near}?` : "."}`,
    {
      hint: `Its columns are ${columns.join(", ")}.`,
    },
  );
}

/** The names `--map` can use for these records; those inside objects as paths. */
export function columnsOf(samples: readonly Fields[]): string[] {
  const names = new Set<string>();
  const visit = (fields: Fields, prefix: string, depth: number) => {
    for (const [key, value] of Object.entries(fields)) {
      const nested = typeof value === "object" && value !== null && !Array.isArray(value);
      if (nested && depth < MAX_DEPTH) visit(value as Fields, `${prefix}${key}.`, depth + 1);
      else names.add(`${prefix}${key}`);
    }
  };
  for (const fields of samples) visit(fields, "", 1);
  return [...names];
}
