const WORDS = 3;
const INITIAL_SLOTS = 1024;
const MAX_LOAD = 0.75;

/**
 * Counts how often each hash was seen, in 12 bytes a slot: 16 to 32 bytes for a distinct hash, and nothing before the
 * first. An open-addressing table over one typed array, since a Map of a million strings takes over 100 MB.
 */
export class OccurrenceCounter {
  #slots = 0;
  #used = 0;
  /** For each slot the two halves of the hash and the count; a count of 0 marks a free slot. */
  #table = new Uint32Array(0);

  /** The distinct hashes counted so far. */
  get size(): number {
    return this.#used;
  }

  /** Counts one more of the hash and returns how many there are now, from 1. Both halves are unsigned 32-bit integers. */
  next(high: number, low: number): number {
    if (this.#used >= this.#slots * MAX_LOAD) this.#grow();
    const at = this.#find(high, low);
    const count = (this.#table[at + 2] ?? 0) + 1;
    if (count === 1) {
      this.#used++;
      this.#table[at] = high;
      this.#table[at + 1] = low;
    }
    this.#table[at + 2] = count;
    return count;
  }

  #find(high: number, low: number): number {
    const table = this.#table;
    const mask = this.#slots - 1;
    let slot = low & mask;
    for (;;) {
      const at = slot * WORDS;
      if (table[at + 2] === 0 || (table[at] === high && table[at + 1] === low)) return at;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#slots = this.#slots === 0 ? INITIAL_SLOTS : this.#slots * 2;
    this.#table = new Uint32Array(this.#slots * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 2] === 0) continue;
      const at = this.#find(old[from] ?? 0, old[from + 1] ?? 0);
      this.#table.set(old.subarray(from, from + WORDS), at);
    }
  }
}
