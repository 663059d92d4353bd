import type { Nanos } from "../domain/money.js";
import type { Instant } from "../domain/window.js";
import { type Fields, type ReadContext, type Rejection, reject } from "./importer.js";
import { isAbsent, isRejection, readCost, readCount, readText, readTime } from "./values.js";

/**
 * Reads the fields of one record and keeps the first that cannot be read, so that an importer asks for the problem
 * once, after its last field. Until then such a field counts as not stated.
 */
export class RecordFields {
  readonly #fields: Fields;
  /** Where these fields stand in the record: empty, or such as `usage.`. */
  readonly #path: string;
  readonly #kept: { problem: Rejection | null };

  constructor(fields: Fields, path = "", kept: { problem: Rejection | null } = { problem: null }) {
    this.#fields = fields;
    this.#path = path;
    this.#kept = kept;
  }

  /** The first field that could not be read. */
  get problem(): Rejection | null {
    return this.#kept.problem;
  }

  reject(field: string, reason: string): Rejection {
    const problem = reject(`${this.#path}${field}`, reason);
    this.#kept.problem ??= problem;
    return problem;
  }

  get(field: string): unknown {
    return this.#fields[field];
  }

  /** What states something. */
  names(): string[] {
    return Object.keys(this.#fields).filter((field) => this.has(field));
  }

  has(field: string): boolean {
    return !isAbsent(this.get(field));
  }

  /** The first of these names that states something; the first of all where none does. */
  pick(...names: readonly [string, ...string[]]): string {
    return names.find((name) => this.has(name)) ?? names[0];
  }

  /** The fields of the object that stands there; none where nothing does. */
  at(field: string): RecordFields {
    const value = this.get(field);
    if (!isObject(value) && !isAbsent(value)) this.reject(field, "is not an object");
    return this.inside(isObject(value) ? value : {}, field);
  }

  /** Fields of an object that stands in this record under `path`. */
  inside(fields: Fields, path: string): RecordFields {
    return new RecordFields(fields, `${this.#path}${path}.`, this.#kept);
  }

  count(field: string): number | null {
    return this.#read(field, readCount);
  }

  cost(field: string): Nanos | null {
    return this.#read(field, readCost);
  }

  text(field: string): string | null {
    return this.#read(field, readText);
  }

  /** The time of the record unless the operator names one; 0 where there is none, which is then the problem. */
  time(field: string, { now, occurredAt }: ReadContext): Instant {
    return occurredAt ?? this.#read(field, (fields, name) => readTime(fields, name, now)) ?? 0;
  }

  #read<T>(field: string, read: (fields: Fields, field: string) => T | null | Rejection): T | null {
    const value = read(this.#fields, field);
    return isRejection(value) ? this.#keep(value) : value;
  }

  #keep({ field, reason }: Rejection): null {
    this.reject(field ?? "", reason);
    return null;
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
