import { parentPort, workerData } from "node:worker_threads";
import { AlphaError } from "../errors.js";
import { parseMapping } from "../importers/mapping.js";
import { QuickNative } from "../importers/quick-native.js";
import { BatchSize, type PackedBatch, readColumns } from "./column-reader.js";
import type { KeptTexts } from "./kept-texts.js";
import { makeRoom } from "./usage-columns.js";

/*
 * A thread that reads logs, one after the other, as far ahead as there is room, and sends them in columns.
 */

/** Batches that are on their way or in work, with the one in the making. */
const ROOMS = 3;

/** What the thread is begun with. */
export interface ReadingTask {
  readonly files: readonly string[];
  readonly now: number;
  readonly format: string | undefined;
  /** As `parseMapping` takes them. */
  readonly map: readonly string[];
  readonly set: readonly string[];
}

/** What the thread says. `file` is the place in the task's list. */
export type FromReader =
  | { readonly say: "batch"; readonly file: number; readonly number: number; readonly batch: PackedBatch }
  | { readonly say: "end"; readonly file: number; readonly error: SentError | null }
  | { readonly say: "texts"; readonly texts: readonly string[] };

/** What it is told: that it may forget a batch, or to send the texts of some of its records. */
export type ToReader =
  | { readonly tell: "done"; readonly number: number; readonly room: ArrayBuffer }
  | { readonly tell: "texts"; readonly number: number; readonly places: readonly number[] };

/** An error of one thread as another can rebuild it. */
export interface SentError {
  readonly alpha: Pick<AlphaError, "code" | "message" | "hint"> | null;
  readonly cause: unknown;
}

type Port = NonNullable<typeof parentPort>;

async function read(port: Port, { files, now, format, map, set }: ReadingTask): Promise<void> {
  const free = Array.from({ length: ROOMS }, makeRoom);
  const kept = new Map<number, KeptTexts>();
  let freed = () => {};
  let number = 0;

  port.on("message", (message: ToReader) => {
    if (message.tell === "done") {
      kept.delete(message.number);
      free.push(message.room);
      freed();
    } else {
      const texts = kept.get(message.number);
      send({ say: "texts", texts: message.places.map((place) => texts?.textAt(place) ?? "") });
    }
  });
  const send = (message: FromReader, room?: ArrayBuffer) => port.postMessage(message, room ? [room] : []);
  const takeRoom = async (): Promise<ArrayBuffer> => {
    for (;;) {
      const room = free.pop();
      if (room !== undefined) return room;
      await new Promise<void>((resolve) => {
        freed = resolve;
      });
    }
  };

  const options = { now, format, mapping: parseMapping(map, set), quick: new QuickNative(now) };
  const size = new BatchSize();
  for (const [file, path] of files.entries()) {
    let error: SentError | null = null;
    try {
      for await (const { batch, kept: texts } of readColumns(path, options, takeRoom, size)) {
        kept.set(++number, texts);
        send({ say: "batch", file, number, batch }, batch.records.room);
      }
    } catch (thrown) {
      error = sent(thrown);
    }
    send({ say: "end", file, error });
  }
}

function sent(thrown: unknown): SentError {
  if (!(thrown instanceof AlphaError)) return { alpha: null, cause: thrown };
  const { code, message, hint, cause } = thrown;
  return { alpha: { code, message, hint }, cause };
}

if (parentPort !== null) await read(parentPort, workerData as ReadingTask);
