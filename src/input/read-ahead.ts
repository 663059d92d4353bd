import { Worker } from "node:worker_threads";
import { AlphaError } from "../errors.js";
import type { FromReader, ReadingTask, SentError, ToReader } from "./read-worker.js";
import { unpackBatch } from "./unpack-columns.js";

/**
 * Left alone, the thread's heap grows to several times what it holds, and the process never gives that back. The longest line
 * there may be fits in easily.
 */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 96 };

type Said<Say> = Extract<FromReader, { say: Say }>;

/** Files that are read in a thread of their own, ahead of whoever asks for them. They are asked for in their order. */
export class ReadAhead {
  readonly #worker: Worker;
  readonly #said: (Said<"batch"> | Said<"end">)[] = [];
  #failed: { readonly error: unknown } | null = null;
  /** Wakes whoever waits for the thread to say something. */
  #wake = () => {};
  readonly #asked: ((texts: readonly string[]) => void)[] = [];

  constructor(private readonly task: ReadingTask) {
    // Every file of the bundle lies in one folder.
    this.#worker = new Worker(new URL("./read-worker.js", import.meta.url), {
      workerData: task,
      resourceLimits: LIMITS,
    });
    this.#worker.on("message", (message: FromReader) => {
      if (message.say === "texts") {
        this.#asked.shift()?.(message.texts);
        return;
      }
      this.#said.push(message);
      this.#wake();
    });
    const fail = (error: unknown) => {
      this.#failed ??= { error };
      this.#wake();
    };
    this.#worker.on("error", fail);
    this.#worker.on("exit", () => fail(new Error("the thread that reads the logs has ended")));
  }

  /** @throws AlphaError what `readUsage` throws */
  async *read(file: number, signal: AbortSignal | undefined) {
    for (;;) {
      const said = await this.#next(file, signal);
      if (said.say === "batch") {
        const { number, batch } = said;
        try {
          if (said.file === file) yield unpackBatch(batch, (places) => this.#texts(number, places));
        } finally {
          const { room } = batch.records;
          this.#tell({ tell: "done", number, room }, [room]);
        }
      } else if (said.file === file) {
        if (said.error !== null) throw rebuilt(said.error);
        return;
      }
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #next(file: number, signal: AbortSignal | undefined): Promise<Said<"batch"> | Said<"end">> {
    const wake = () => this.#wake();
    signal?.addEventListener("abort", wake, { once: true });
    try {
      for (;;) {
        if (signal?.aborted === true) {
          throw new AlphaError("interrupted", `Reading ${this.task.files[file]} was interrupted.`);
        }
        const said = this.#said.shift();
        if (said !== undefined) return said;
        if (this.#failed !== null) throw this.#failed.error;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  #texts(number: number, places: readonly number[]): Promise<readonly string[]> {
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#tell({ tell: "texts", number, places });
    });
  }

  #tell(message: ToReader, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

function rebuilt({ alpha, cause }: SentError): unknown {
  return alpha === null ? cause : new AlphaError(alpha.code, alpha.message, { hint: alpha.hint, cause });
}
