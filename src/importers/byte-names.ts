import { MOST_TEXT } from "../domain/usage.js";

const FIRST_SLOTS = 1024;
/** Where there are more names than that, most are met for the first time anyway. */
const MOST_BYTES = 512 * 1024;
const FREE = -1;
const PRIME = 0x01000193;

/**
 * Texts by their bytes, so that a name which a log states a million times becomes a text once. The bytes are printable
 * ASCII.
 */
export class ByteNames {
  /** For each slot the number of a name, or `FREE`. At least half are free. */
  #slots = new Int32Array(FIRST_SLOTS).fill(FREE);
  /** The bytes of all names, one after the other. */
  #bytes = new Uint8Array(FIRST_SLOTS);
  readonly #ends: number[] = [];
  readonly #texts: string[] = [];

  /** @param meaning what a text stands for */
  constructor(private readonly meaning: (text: string) => string = (text) => text) {}

  /** The name without blanks around it; `null` when it is longer than a name may be. */
  of(bytes: Uint8Array, start: number, end: number): string | null {
    const mask = this.#slots.length - 1;
    let slot = hashOf(bytes, start, end) & mask;
    for (;;) {
      const number = this.#slots[slot]!;
      if (number === FREE) return this.#meet(slot, bytes, start, end);
      if (this.#is(number, bytes, start, end)) return this.#texts[number]!;
      slot = (slot + 1) & mask;
    }
  }

  #is(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#startOf(number);
    const length = end - start;
    if (this.#ends[number]! - from !== length) return false;
    const known = this.#bytes;
    for (let i = 0; i < length; i++) if (known[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : this.#ends[number - 1]!;
  }

  #meet(slot: number, bytes: Uint8Array, start: number, end: number): string | null {
    const text = Buffer.from(bytes.subarray(start, end)).toString("latin1").trim();
    if (text.length > MOST_TEXT) return null;
    const name = this.meaning(text);
    const from = this.#startOf(this.#texts.length);
    const to = from + end - start;
    if (to > MOST_BYTES) return name;
    if (to > this.#bytes.length) {
      const grown = new Uint8Array(2 * to);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes.subarray(start, end), from);
    this.#slots[slot] = this.#texts.length;
    this.#ends.push(to);
    this.#texts.push(name);
    if (2 * this.#texts.length > this.#slots.length) this.#grow();
    return name;
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(FREE);
    const mask = slots.length - 1;
    for (const [number, end] of this.#ends.entries()) {
      let slot = hashOf(this.#bytes, this.#startOf(number), end) & mask;
      while (slots[slot] !== FREE) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, PRIME);
  return hash ^ (hash >>> 15);
}
