import { canonicalProvider, EARLIEST_USAGE, MOST_AHEAD, MOST_TEXT, type Usage } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import { EXPORT_FIELDS, USAGE_FIELDS } from "./alpha.js";
import { ByteNames } from "./byte-names.js";
import { ByteTimes, countIn, isPlainNumber } from "./byte-values.js";
import type { UsageDraft } from "./importer.js";
import { quickUsd, quickUsdFromNumber } from "./quick-values.js";

const NEEDED = ["id", "timestamp"];
/** Of these `alpha` makes more than a value. */
const LEFT_OUT: readonly string[] = ["source", "provider_id", ...EXPORT_FIELDS];
/** What states how much of something was used. */
const BUCKETS: ReadonlyMap<string, keyof Usage> = new Map([
  ["input_tokens", "input"],
  ["cached_input_tokens", "cacheRead"],
  ["cache_write_tokens", "cacheWrite"],
  ["output_tokens", "output"],
  ["reasoning_tokens", "reasoning"],
  ["images", "images"],
]);
const SPACE = 32;

/** How a value is written: as text, or as a bare number of JSON. */
export type Spelling = "text" | "number";

/** Puts a value, printable ASCII, into the draft. `false`: the record has to be read in the general way. */
export type PutValue = (bytes: Buffer, start: number, end: number) => boolean;

type Draft = { -readonly [Field in keyof UsageDraft]: UsageDraft[Field] } & { id: string };

/** Whether records with these fields may be read by `QuickNative`. */
export function areQuick(fields: readonly string[]): boolean {
  return (
    NEEDED.every((field) => fields.includes(field)) &&
    USAGE_FIELDS.some((field) => fields.includes(field)) &&
    !fields.some((field) => LEFT_OUT.includes(field))
  );
}

/**
 * Reads the plainest records of the native format, of which most logs of it consist, from their bytes: the drafts that
 * `alpha` reads, at a fraction of the cost. It leaves every doubt to `alpha`, and all that has to be said of a record.
 */
export class QuickNative {
  /** The record read last: an object for each of a million records costs more than reading it. */
  readonly draft: Draft = emptyDraft();
  readonly #times = new ByteTimes();
  readonly #names = new ByteNames();
  readonly #providers = new ByteNames(canonicalProvider);

  constructor(private readonly now: Instant) {}

  /** To be called before records that have other fields than the last one. */
  reset(): void {
    Object.assign(this.draft, emptyDraft());
  }

  /** After the values of a record: whether it can be counted. */
  isSound(): boolean {
    const { draft } = this;
    // No count has more than 15 digits, so that their sum is exact.
    const used = draft.input + draft.cacheRead + draft.cacheWrite + draft.output + draft.images;
    if (draft.cost === 0) draft.cost = null;
    return used > 0 && draft.reasoning <= draft.output;
  }

  /** What reads the values of a field; `null` when none that is spelt so can be read. */
  reader(field: string, spelling: Spelling): PutValue | null {
    const { draft } = this;
    const isText = spelling === "text";
    const bucket = BUCKETS.get(field);
    if (bucket !== undefined)
      return counted(spelling, (count) => {
        draft[bucket] = count;
      });
    switch (field) {
      case "requests":
        return this.#requests(spelling);
      case "cost_usd":
        return this.#cost(spelling);
      case "id":
        return isText ? this.#id : null;
      case "timestamp":
        return isText ? this.#time : null;
      case "user":
      case "provider":
      case "model":
      case "feature":
      case "status":
        return isText ? this.#name(field) : null;
      default:
        return isText ? () => true : isPlainNumber;
    }
  }

  readonly #id: PutValue = (bytes, start, end) => {
    if (start === end || end - start > MOST_TEXT) return false;
    if (bytes[start] === SPACE || bytes[end - 1] === SPACE) return false;
    this.draft.id = bytes.toString("latin1", start, end);
    return true;
  };

  readonly #time: PutValue = (bytes, start, end) => {
    const at = this.#times.at(bytes, start, end);
    this.draft.occurredAt = at;
    return at >= EARLIEST_USAGE && at <= this.now + MOST_AHEAD;
  };

  #name(field: "user" | "provider" | "model" | "feature" | "status"): PutValue {
    const { draft } = this;
    const names = field === "provider" ? this.#providers : this.#names;
    const absent = emptyDraft()[field];
    return (bytes, start, end) => {
      const name = names.of(bytes, start, end);
      if (name === null) return false;
      (draft[field] as string | null) = name === "" ? absent : name;
      return true;
    };
  }

  #requests(spelling: Spelling): PutValue {
    const { draft } = this;
    const put = counted(spelling, (count) => {
      draft.requests = count;
    });
    return (bytes, start, end) => {
      if (start < end) return put(bytes, start, end);
      draft.requests = undefined;
      return spelling === "text";
    };
  }

  #cost(spelling: Spelling): PutValue {
    const { draft } = this;
    return (bytes, start, end) => {
      draft.cost = null;
      if (start === end) return spelling === "text";
      const text = bytes.toString("latin1", start, end);
      if (spelling === "text") draft.cost = quickUsd(text);
      else if (isPlainNumber(bytes, start, end)) draft.cost = quickUsdFromNumber(Number(text));
      return draft.cost !== null && draft.cost >= 0;
    };
  }
}

function counted(spelling: Spelling, put: (count: number) => void): PutValue {
  return (bytes, start, end) => {
    const isText = spelling === "text";
    // An empty text states nothing.
    const count = isText && start === end ? 0 : countIn(bytes, start, end);
    put(count);
    return count >= 0 && (isText || isPlainNumber(bytes, start, end));
  };
}

function emptyDraft(): Draft {
  return {
    kind: "draft",
    source: null,
    id: "",
    providerId: null,
    user: null,
    occurredAt: 0,
    provider: "",
    model: "",
    feature: "",
    input: 0,
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    reasoning: 0,
    images: 0,
    cost: null,
    status: "ok",
    requests: undefined,
  };
}
