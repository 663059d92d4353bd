import { closest } from "fastest-levenshtein";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { MAPPED_SOURCE, RAW_SOURCE, RawIdentities } from "../importers/identity.js";
import type { Importer, Problem, RawRecord, ReadContext, Skip, UsageDraft } from "../importers/importer.js";
import type { Mapping } from "../importers/mapping.js";
import type { QuickNative } from "../importers/quick-native.js";
import { IMPORTERS } from "../importers/registry.js";
import type { Reject } from "../importers/rejects.js";
import { QuickEntry } from "./byte-lines.js";
import { chooseImporter, type ParsedRecord } from "./choose-importer.js";
import { CONTAINERS, type Container } from "./container.js";
import type { RecordFormats } from "./record-formats.js";
import { RecordReader } from "./records.js";
import { openSource, type SourceOptions } from "./source.js";

/** How many records are looked at to tell the format. */
const SAMPLE = 100;

export interface ReadOptions extends SourceOptions {
  /** A format's name, or `jsonl`, `json` or `csv` where only the container is to be told. Detected when absent. */
  readonly format?: string | undefined;
  readonly mapping?: Mapping | null | undefined;
  /** The present; records more than 24 hours ahead of it are rejected. */
  readonly now: Instant;
  /**
   * What plain records are read by. An entry is then good only until the next one was read: one object does for many of
   * them.
   */
  readonly quick?: QuickNative | undefined;
}

/** One record that can be counted. */
export interface UsageEntry {
  readonly draft: UsageDraft;
  /** The name of the format that it was read in. */
  readonly format: string;
  /** Unique together: see `RawIdentities` for records without an id of their own. */
  readonly source: string;
  readonly id: string;
  /** Whether the record or the mapping gives the id, and not its text. */
  readonly hasOwnId: boolean;
  /** Whether it replaces an earlier record of the same id. */
  readonly supersedes: boolean;
  readonly record: RawRecord;
}

/** What one piece of the file held, in its order. */
export interface Batch {
  /** The file as it was named, or `stdin`. */
  readonly file: string;
  /** The name of the file's format; `null` while no record could be parsed. Some records may be of another. */
  readonly format: string | null;
  readonly records: UsageEntry[];
  readonly rejects: Reject[];
  readonly skipped: Skip[];
  /** The lines read so far. */
  readonly lines: number;
  /** How much of `totalBytes` was read so far; of the compressed size, if the file is. */
  readonly bytesRead: number;
  /** `null` for a stream. */
  readonly totalBytes: number | null;
}

/** A piece of the file, to be read before the next one is asked for. */
export interface Piece extends Omit<Batch, "records" | "rejects" | "skipped"> {
  readonly raw: Iterable<RawRecord>;
  /** To be called once for each of `raw`, in their order. */
  read(record: RawRecord): UsageEntry | Reject | Skip;
}

/**
 * Reads a log, `-` being `stdin`, in constant memory. A bad record becomes a reject and the rest goes on. Throws
 * `failed` when the file as a whole cannot be read or its format not be told, `usage` for an unknown `format`, and
 * `interrupted` on abort; what was yielded before is good.
 */
export async function* readUsage(path: string, options: ReadOptions): AsyncGenerator<Batch, void, undefined> {
  for await (const { raw, read, ...piece } of readPieces(path, options)) {
    const batch: Batch = { ...piece, records: [], rejects: [], skipped: [] };
    for (const record of raw) {
      const result = read(record);
      if (isEntry(result)) batch.records.push(result);
      else if (isSkip(result)) batch.skipped.push(result);
      else batch.rejects.push(result);
    }
    yield batch;
  }
}

export function isEntry(result: UsageEntry | Reject | Skip): result is UsageEntry {
  return "draft" in result;
}

export function isSkip(result: Reject | Skip): result is Skip {
  return "kind" in result;
}

/** The same with each record read when it is asked for, by whoever does not keep them. */
export async function* readPieces(
  path: string,
  options: ReadOptions,
): AsyncGenerator<Piece, void, undefined> {
  const format = parseFormat(options.format);
  const source = await openSource(path, options);
  const records = new RecordReader(source.name, format.container);
  const reader = new UsageReader(source.name, options);
  /** Records read while the format is not known yet. */
  let held: RawRecord[] = [];

  /** Once the format is known. */
  const use = (formats: RecordFormats) => {
    reader.use(formats);
    if (options.quick === undefined || !formats.isNative) return;
    const entry = new QuickEntry(options.quick);
    reader.quicken(entry);
    records.quicken(entry);
  };

  const piece = (raw: Iterable<RawRecord>): Piece => ({
    file: source.name,
    format: reader.format,
    raw,
    read: (record) => reader.read(record),
    lines: records.lines,
    bytesRead: source.bytesRead(),
    totalBytes: source.totalBytes,
  });

  for await (const chunk of source.chunks()) {
    records.push(chunk);
    if (reader.format !== null) {
      yield piece(records.take());
      continue;
    }
    const rest = records.take()[Symbol.iterator]();
    const sample = sampleOf(held, rest);
    // What cannot be parsed tells no format and needs none, so it is not kept.
    if (sample.length > 0 && sample.length < SAMPLE) continue;
    if (sample.length > 0) use(chooseImporter(source.name, sample, format.importer, options.mapping ?? null));
    yield piece(following(held, rest));
    held = [];
  }

  records.end();
  const rest = records.take()[Symbol.iterator]();
  if (records.isBlank) {
    throw new AlphaError("failed", `${source.name} holds no records, only blank lines.`, {
      hint: "Check whether the export that wrote it went through.",
    });
  }
  if (reader.format === null) {
    const sample = sampleOf(held, rest);
    const header = records.headerFields();
    if (sample.length === 0 && header) sample.push({ fields: header, rejected: null });
    if (sample.length > 0) use(chooseImporter(source.name, sample, format.importer, options.mapping ?? null));
  }
  yield piece(following(held, rest));
  if (records.isCutOff) {
    throw new AlphaError("failed", `${source.name} is cut off: its JSON does not end.`, {
      hint: "Get a whole copy of it, and import that: what is in already counts once.",
    });
  }
}

/** The values that `format` can have. */
export function formatNames(): string[] {
  return [...IMPORTERS.map((importer) => importer.name), ...CONTAINERS];
}

/** Throws `usage` for a `format` that `readUsage` would not know. */
export function requireFormat(format: string | undefined): void {
  parseFormat(format);
}

function parseFormat(format: string | undefined): { importer: Importer | null; container: Container | null } {
  const importer = IMPORTERS.find(({ name }) => name === format) ?? null;
  const container = CONTAINERS.find((name) => name === format) ?? null;
  if (format !== undefined && !importer && !container) {
    throw new AlphaError(
      "usage",
      `There is no log format "${format}"; did you mean ${closest(format, formatNames())}?`,
      {
        hint: `The formats are ${formatNames().join(", ")}.`,
      },
    );
  }
  return { importer, container };
}

/** Of `held`, to which what it takes of `rest` is added: of what there is at once no more is read than is needed. */
function sampleOf(held: RawRecord[], rest: Iterator<RawRecord>): Pick<ParsedRecord, "fields" | "rejected">[] {
  const sample: Pick<ParsedRecord, "fields" | "rejected">[] = [];
  const isFull = ({ fields, rejected }: RawRecord) =>
    fields !== null && sample.push({ fields, rejected }) === SAMPLE;
  if (held.some(isFull)) return sample;
  for (let next = rest.next(); next.done !== true; next = rest.next()) {
    held.push(next.value);
    if (isFull(next.value)) break;
  }
  return sample;
}

function* following(held: readonly RawRecord[], rest: Iterator<RawRecord>): Generator<RawRecord> {
  yield* held;
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}

/** Reads the raw records of one file. Until it knows the format it can only reject what cannot be parsed. */
class UsageReader {
  readonly #file: string;
  readonly #renamesId: boolean;
  readonly #context: ReadContext;
  readonly #identities = new RawIdentities();
  #formats: RecordFormats | null = null;
  #quick: QuickEntry | null = null;

  constructor(file: string, options: ReadOptions) {
    this.#file = file;
    this.#renamesId = options.mapping?.renamesId === true;
    this.#context = { now: options.now };
  }

  get format(): string | null {
    return this.#formats?.own.name ?? null;
  }

  use(formats: RecordFormats): void {
    this.#formats = formats;
  }

  /** @param entry of which each record is read already that it names as its own */
  quicken(entry: QuickEntry): void {
    this.#quick = entry;
  }

  read(record: RawRecord): UsageEntry | Reject | Skip {
    if (record === this.#quick?.record) return this.#quick;
    if (!record.fields || !this.#formats) {
      return this.#reject(record, null, record.problem ?? { field: null, reason: "cannot be read" });
    }
    const importer = this.#formats.of(record, record.fields);
    if ("kind" in importer) return this.#reject(record, importer.format, importer);
    const fields = importer.flatten?.(record.fields) ?? record.fields;
    const result = importer.read(fields, this.#context);
    if (result.kind === "draft") return this.#entry(result, record, importer);
    return result.kind === "skip" ? result : this.#reject(record, importer.name, result);
  }

  #entry(draft: UsageDraft, record: RawRecord, importer: Importer): UsageEntry {
    const format = importer.name;
    const supersedes = importer.supersedes === true;
    if (draft.id === null) {
      const id = this.#identities.next(record);
      return { draft, format, source: RAW_SOURCE, id, hasOwnId: false, supersedes, record };
    }
    // An `id` column means the same whatever else is mapped, lest the record be counted once more with other options.
    const source = draft.source ?? (this.#renamesId ? MAPPED_SOURCE : format);
    return { draft, format, source, id: draft.id, hasOwnId: true, supersedes, record };
  }

  /** Its identity is counted, so that the record keeps it when the rejects file is imported. */
  #reject(record: RawRecord, format: string | null, { field, reason }: Problem): Reject {
    const identity = this.#identities.next(record);
    return { file: this.#file, line: record.line, field, reason, identity, format, raw: record.raw };
  }
}
