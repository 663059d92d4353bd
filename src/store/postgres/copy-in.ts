import pg from "pg";

/** Rows for a table, as the server takes them fastest. */
export interface CopiedRows {
  /** `copy … from stdin`. */
  readonly copy: string;
  readonly data: Uint8Array;
}

interface CopyConnection extends pg.Connection {
  sendCopyFromChunk(chunk: Uint8Array): void;
  endCopyFrom(): void;
}

/**
 * Sends rows without waiting until the server wants them, so that they travel with what is asked before and after. A
 * server that turned the statement down passes over them.
 */
class CopyIn extends pg.Query {
  constructor(
    { copy, data }: CopiedRows,
    /** Read by the client, in milliseconds. */
    readonly query_timeout: number | undefined,
    told: (error: Error | undefined, result: unknown) => void,
  ) {
    super(copy, told);
    this.submit = (connection) => {
      const to = connection as CopyConnection;
      to.query(copy);
      to.sendCopyFromChunk(data);
      to.endCopyFrom();
    };
  }

  /** They are on their way already. */
  handleCopyInResponse(): void {}
}

/** @param timeoutMs when the connection is to be given up; `undefined`: never */
export function copyIn(
  client: pg.PoolClient,
  rows: CopiedRows,
  timeoutMs: number | undefined,
): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    client.query(
      new CopyIn(rows, timeoutMs, (error, result) => {
        if (error) reject(error);
        else resolve(result as pg.QueryResult);
      }),
    );
  });
}

/** Begins rows in the server's own format. */
const HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const TRAILER_BYTES = 2;
const LENGTH_BYTES = 4;
/** A `bigint` with its length before it. */
export const INTEGER_BYTES = 12;

/** Writes rows of `copy … (format binary)`. */
export class BinaryRows {
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #at = HEADER.length;

  /** @param mostBytes what all rows come to at most, with two bytes for the beginning of each */
  constructor(mostBytes: number) {
    this.#buffer = Buffer.allocUnsafe(HEADER.length + mostBytes + TRAILER_BYTES);
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
    HEADER.copy(this.#buffer);
  }

  /** @param columns how many values follow */
  begin(columns: number): void {
    this.#view.setInt16(this.#at, columns);
    this.#at += 2;
  }

  /** Safe; a `bigint` there. */
  integer(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.#view.setInt32(this.#at, 8);
    this.#view.setInt32(this.#at + 4, high);
    this.#view.setInt32(this.#at + 8, value - high * 2 ** 32);
    this.#at += INTEGER_BYTES;
  }

  text(value: string): void {
    const length = this.#buffer.write(value, this.#at + LENGTH_BYTES);
    this.#view.setInt32(this.#at, length);
    this.#at += LENGTH_BYTES + length;
  }

  /** Values that were encoded before. */
  encoded(values: Uint8Array): void {
    this.#buffer.set(values, this.#at);
    this.#at += values.length;
  }

  /** All rows; nothing may be added then. */
  end(): Uint8Array {
    this.#view.setInt16(this.#at, -1);
    return this.#buffer.subarray(0, this.#at + TRAILER_BYTES);
  }
}

/** A text, or null, as `BinaryRows.encoded` takes it. */
export function encodedText(value: string | null): Buffer {
  const text = Buffer.from(value ?? "");
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(value === null ? -1 : text.length);
  return Buffer.concat([length, text]);
}

/** The most that a text takes, whatever its characters, with its length before it. */
export function mostTextBytes(value: string): number {
  return LENGTH_BYTES + 3 * value.length;
}
