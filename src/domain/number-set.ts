/** Numbers in a page. */
const PAGE = 1 << 16;

/** A set of non-negative safe integers that takes a bit for each number near another one. */
export class NumberSet {
  readonly #pages = new Map<number, Uint32Array>();

  add(number: number): void {
    const page = Math.floor(number / PAGE);
    let bits = this.#pages.get(page);
    if (bits === undefined) {
      bits = new Uint32Array(PAGE / 32);
      this.#pages.set(page, bits);
    }
    const place = number % PAGE;
    bits[place >> 5] = (bits[place >> 5] as number) | (1 << (place & 31));
  }

  has(number: number): boolean {
    const place = number % PAGE;
    const word = this.#pages.get(Math.floor(number / PAGE))?.[place >> 5] ?? 0;
    return (word & (1 << (place & 31))) !== 0;
  }
}
