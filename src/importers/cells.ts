import type { Fields } from "./importer.js";
import { parsePythonDict } from "./python-dict.js";
import { isObject, type RecordFields } from "./record-fields.js";

/** The object that a value is or, as in a cell of CSV, spells; `null` when it does neither. */
export function objectIn(value: unknown): Fields | null {
  if (isObject(value)) return value;
  if (typeof value !== "string") return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : null;
  } catch {
    return parsePythonDict(value);
  }
}

/** The fields of the object in a field, also where it is spelt as text; none where nothing is stated. */
export function cellAt(fields: RecordFields, field: string): RecordFields {
  if (!fields.has(field)) return fields.inside({}, field);
  const object = objectIn(fields.get(field));
  if (!object) fields.reject(field, "is not an object");
  return fields.inside(object ?? {}, field);
}
