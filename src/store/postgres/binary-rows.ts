/** Begins rows in the server's own format. */
const HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const TRAILER_BYTES = 2;
const LENGTH_BYTES = 4;
/** How many values a row has. */
export const COLUMNS_BYTES = 2;
/** A `bigint` with its length before it. */
export const INTEGER_BYTES = LENGTH_BYTES + 8;

/** A message of rows, as the protocol frames it: `d` and its length. */
const COPY_DATA = 0x64;
const MESSAGE_BYTES = 1 + LENGTH_BYTES;
const OVERHEAD = MESSAGE_BYTES + HEADER.length + TRAILER_BYTES;

/** Writes rows of `copy … (format binary)` into a message of the protocol. */
export class BinaryRows {
  #buffer: Buffer;
  #view: DataView;
  #at = 0;
  /** Where the row begins that was added last. */
  #row = 0;

  /** @param bytes of the message */
  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
    this.#view = viewOf(this.#buffer);
  }

  /**
   * Begins a message, in place of the one before.
   * @param isFirst whether rows begin with it
   * @param bytes that have to fit in
   */
  begin(isFirst: boolean, bytes: number): void {
    if (bytes + OVERHEAD > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(bytes + OVERHEAD);
      this.#view = viewOf(this.#buffer);
    }
    this.#at = MESSAGE_BYTES;
    if (isFirst) this.encoded(HEADER);
  }

  /** How many bytes fit in yet. */
  get room(): number {
    return this.#buffer.length - TRAILER_BYTES - this.#at;
  }

  /** Begins a row of values that are added next. */
  row(columns: number): void {
    this.#view.setInt16(this.#at, columns);
    this.#at += COLUMNS_BYTES;
  }

  /** Adds a row that was encoded before, whose first values are integers that `set` may change. */
  rowLike(encoded: Uint8Array): void {
    this.#row = this.#at;
    this.encoded(encoded);
  }

  /** @param column of `rowLike`, from 0 */
  set(column: number, value: number): void {
    this.#putInteger(this.#row + COLUMNS_BYTES + column * INTEGER_BYTES + LENGTH_BYTES, value);
  }

  /** Safe; a `bigint` there. */
  integer(value: number): void {
    this.#view.setInt32(this.#at, 8);
    this.#putInteger(this.#at + LENGTH_BYTES, value);
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

  /**
   * The message; nothing may be added then.
   * @param isLast whether rows end with it
   */
  message(isLast: boolean): Uint8Array {
    if (isLast) {
      this.#view.setInt16(this.#at, -1);
      this.#at += TRAILER_BYTES;
    }
    this.#buffer[0] = COPY_DATA;
    this.#view.setInt32(1, this.#at - 1);
    return this.#buffer.subarray(0, this.#at);
  }

  #putInteger(at: number, value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.#view.setInt32(at, high);
    this.#view.setInt32(at + 4, value - high * 2 ** 32);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** A row of integers, all 0, and of what was encoded behind them, for `BinaryRows.rowLike`. */
export function encodedRow(integers: number, ...behind: readonly Buffer[]): Buffer {
  const values = Buffer.alloc(COLUMNS_BYTES + integers * INTEGER_BYTES);
  values.writeInt16BE(integers + behind.length);
  for (let column = 0; column < integers; column++) {
    values.writeInt32BE(8, COLUMNS_BYTES + column * INTEGER_BYTES);
  }
  return Buffer.concat([values, ...behind]);
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
