import type { Skip } from "../importers/importer.js";
import type { Reject } from "../importers/rejects.js";
import { KeptTexts } from "./kept-texts.js";
import { isEntry, isSkip, type Piece, type ReadOptions, readPieces, type UsageEntry } from "./read-usage.js";
import { ColumnsPacker, MOST_RECORDS, type PackedRecords } from "./usage-columns.js";

const FIRST_RECORDS = 2048;
/** How many pieces of a log make a batch at most, which bounds the texts that are kept with it: 8 MiB. */
const MOST_PIECES = 32;
/** A stream that brings nothing for so long may bring nothing for hours. */
const PAUSE_MS = 200;

/** What some pieces of a log held. */
export interface PackedBatch {
  readonly records: PackedRecords;
  readonly rejects: readonly Reject[];
  /** Records that are not counted, by the reason. */
  readonly skipped: readonly { readonly reason: string; readonly records: number }[];
  readonly format: string | null;
  readonly bytesRead: number;
}

/** A batch, and the texts of the records that it packs. */
export interface KeptBatch {
  readonly batch: PackedBatch;
  readonly kept: KeptTexts;
}

/**
 * How many records a batch may have: few at first, lest whoever writes them wait for long, and then twice as many as the
 * last one had.
 */
export class BatchSize {
  #most = FIRST_RECORDS;

  get most(): number {
    return this.#most;
  }

  grow(): void {
    this.#most = Math.min(this.#most * 2, MOST_RECORDS);
  }
}

/**
 * Reads a log as `readUsage` does, in columns. What is read before an error is in the batches before it.
 * @param takeRoom makes or awaits the room of the next batch
 * @param size what several logs one after the other share
 */
export async function* readColumns(
  path: string,
  options: ReadOptions,
  takeRoom: () => ArrayBuffer | Promise<ArrayBuffer>,
  size = new BatchSize(),
): AsyncGenerator<KeptBatch, void, undefined> {
  let packing: Packing | null = null;
  const pieces = withPauses(readPieces(path, options));
  try {
    for await (const piece of pieces) {
      if (piece === null) {
        if (packing !== null) yield packing.pack();
        packing = null;
        continue;
      }
      packing ??= new Packing(await takeRoom());
      packing.begin(piece);
      for (const record of piece.raw) {
        packing ??= new Packing(await takeRoom(), piece);
        packing.add(piece.read(record));
        if (packing.count < size.most) continue;
        yield packing.pack();
        packing = null;
        size.grow();
      }
      if (packing?.isLarge !== true) continue;
      yield packing.pack();
      packing = null;
    }
  } catch (error) {
    if (packing !== null) yield packing.pack();
    throw error;
  }
  if (packing !== null) yield packing.pack();
}

/** A batch in the making. */
class Packing {
  readonly #packer: ColumnsPacker;
  readonly #kept = new KeptTexts();
  readonly #rejects: Reject[] = [];
  readonly #skipped = new Map<string, number>();
  #pieces = 0;
  #format: string | null;
  #bytesRead: number;

  constructor(room: ArrayBuffer, { format, bytesRead }: Pick<Piece, "format" | "bytesRead"> = NOTHING) {
    this.#packer = new ColumnsPacker(room);
    this.#format = format;
    this.#bytesRead = bytesRead;
  }

  get count(): number {
    return this.#packer.count;
  }

  get isLarge(): boolean {
    return this.#pieces >= MOST_PIECES || this.#rejects.length >= MOST_RECORDS;
  }

  begin({ format, bytesRead }: Piece): void {
    this.#pieces += 1;
    this.#format = format;
    this.#bytesRead = bytesRead;
  }

  add(result: UsageEntry | Reject | Skip): void {
    if (isEntry(result)) {
      this.#packer.add(result);
      this.#kept.add(result.record);
    } else if (isSkip(result)) {
      this.#skipped.set(result.reason, (this.#skipped.get(result.reason) ?? 0) + 1);
    } else {
      this.#rejects.push(result);
    }
  }

  pack(): KeptBatch {
    return {
      batch: {
        records: this.#packer.pack(),
        rejects: this.#rejects,
        skipped: Array.from(this.#skipped, ([reason, records]) => ({ reason, records })),
        format: this.#format,
        bytesRead: this.#bytesRead,
      },
      kept: this.#kept,
    };
  }
}

const NOTHING = { format: null, bytesRead: 0 };

/** The values, with a `null` where the next one is not there at once. */
async function* withPauses<T>(values: AsyncGenerator<T>): AsyncGenerator<T | null, void, undefined> {
  try {
    for (;;) {
      const next = values.next();
      if (await isSlow(next)) yield null;
      const { done, value } = await next;
      if (done === true) return;
      yield value;
    }
  } finally {
    // Whoever stops does not wait for what may never come.
    values.return(undefined).catch(() => {});
  }
}

/** A promise that fails is not slow. */
function isSlow(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE_MS, true);
    const settled = () => {
      clearTimeout(timer);
      resolve(false);
    };
    promise.then(settled, settled);
  });
}
