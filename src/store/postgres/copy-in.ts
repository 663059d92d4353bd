import pg from "pg";
import { BinaryRows } from "./binary-rows.js";

/** Rows for a table, as the server takes them fastest. */
export interface CopiedRows {
  /** `copy … from stdin (format binary)`. */
  readonly copy: string;
  /** At least 1. */
  readonly count: number;
  /** What a row takes at most, in bytes. */
  mostBytes(row: number): number;
  write(row: number, to: BinaryRows): void;
}

/** Rows on their way. */
interface Copying {
  readonly answer: Promise<pg.QueryResult>;
  /** When what is sent next stands behind the rows. Never fails. */
  readonly sent: Promise<void>;
}

interface CopyConnection extends pg.Connection {
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** So large that they are worth a packet, and small enough to stay in the processor's cache. */
const CHUNK_BYTES = 64 * 1024;
/** How many the server may be behind, which it works off while more are written. */
const MOST_CHUNKS = 16;

/**
 * Sends rows while the server enters those before them, without waiting until it wants them, so that they travel with
 * what was asked before. A server that turned the statement down passes over them.
 */
class CopyIn extends pg.Query {
  readonly sent: Promise<void>;
  // The class above has a `rows` of its own, which means something else.
  readonly #copied: CopiedRows;
  #isAnswered = false;

  /** @param silenceMs after how long the connection is given up on which the server takes no more rows */
  constructor(
    copied: CopiedRows,
    private readonly silenceMs: number,
    told: (error: Error | undefined, result: unknown) => void,
  ) {
    let done = () => {};
    super(copied.copy, (error: Error | undefined, result: unknown) => {
      this.#isAnswered = true;
      done();
      told(error, result);
    });
    this.#copied = copied;
    this.sent = new Promise((resolve) => {
      done = resolve;
    });
    this.submit = (connection) => {
      const to = connection as CopyConnection;
      to.query(copied.copy);
      this.#send(to).then(done);
    };
  }

  /** They are on their way already. */
  handleCopyInResponse(): void {}

  async #send(connection: CopyConnection): Promise<void> {
    try {
      await this.#sendRows(connection);
      connection.endCopyFrom();
    } catch (error) {
      // Part of the rows must not pass for all of them: the server takes back the transaction.
      connection.sendCopyFail(String(error));
    }
  }

  async #sendRows({ stream }: CopyConnection): Promise<void> {
    const chunks = new Chunks(() => stream.destroy(), this.silenceMs);
    const { count } = this.#copied;
    for (let row = 0; row < count && !this.#isAnswered && !stream.destroyed; ) {
      const chunk = await chunks.take();
      row = this.#fill(chunk, row);
      stream.write(chunk.message(row === count), () => chunks.giveBack(chunk));
    }
  }

  /** @returns the first row that did not fit */
  #fill(chunk: BinaryRows, first: number): number {
    const rows = this.#copied;
    chunk.begin(first === 0, rows.mostBytes(first));
    let row = first;
    do rows.write(row++, chunk);
    while (row < rows.count && rows.mostBytes(row) <= chunk.room);
    return row;
  }
}

/** As many chunks as may be on their way, each used again and again. */
class Chunks {
  readonly #free: BinaryRows[] = [];
  #made = 0;
  #freed = () => {};

  constructor(
    private readonly giveUp: () => void,
    private readonly silenceMs: number,
  ) {}

  async take(): Promise<BinaryRows> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made < MOST_CHUNKS) {
      this.#made += 1;
      return new BinaryRows(CHUNK_BYTES);
    }
    const timer = setTimeout(this.giveUp, this.silenceMs);
    await new Promise<void>((resolve) => {
      this.#freed = resolve;
    });
    clearTimeout(timer);
    return this.#free.pop() as BinaryRows;
  }

  /** Also when the connection is gone. */
  giveBack(chunk: BinaryRows): void {
    this.#free.push(chunk);
    this.#freed();
  }
}

/** @param silenceMs after how long the connection is given up on which the server takes no more rows */
export function copyIn(client: pg.PoolClient, rows: CopiedRows, silenceMs: number): Copying {
  let sent = Promise.resolve();
  const answer = new Promise<pg.QueryResult>((resolve, reject) => {
    const query = new CopyIn(rows, silenceMs, (error, result) => {
      if (error) reject(error);
      else resolve(result as pg.QueryResult);
    });
    client.query(query);
    sent = query.sent;
  });
  return { answer, sent };
}
