import type { RawRecord } from "../importers/importer.js";
import { ByteLine } from "./byte-lines.js";
import { MOST_RECORDS } from "./usage-columns.js";

/** The text of a record, or what gives it. */
type KeptText = string | { readonly raw: string };

/** Where the line of each record lies: the number of its block, its start and its end. */
const WIDTH = 3;

/**
 * The texts of the records of a batch, should somebody ask for some of them. Lines of bytes are kept as numbers: objects
 * that outlive the piece they came with are what collecting garbage costs most for.
 */
export class KeptTexts {
  /** What `#spans` has not. */
  readonly #others = new Map<number, KeptText>();
  /** One line of each block. */
  readonly #blocks: ByteLine[] = [];
  #spans: Uint32Array | null = null;
  #count = 0;

  add(record: RawRecord): void {
    const place = this.#count++;
    if (!(record instanceof ByteLine)) {
      this.#others.set(place, record.keep?.() ?? record.raw);
      return;
    }
    if (this.#blocks.at(-1)?.block !== record.block) this.#blocks.push(record);
    this.#spans ??= new Uint32Array(WIDTH * MOST_RECORDS);
    const at = WIDTH * place;
    this.#spans[at] = this.#blocks.length - 1;
    this.#spans[at + 1] = record.start;
    this.#spans[at + 2] = record.end;
  }

  /** @param place of a record, in the order in which they were added */
  textAt(place: number): string {
    const other = this.#others.get(place);
    if (other !== undefined) return typeof other === "string" ? other : other.raw;
    const at = WIDTH * place;
    const [number = 0, start = 0, end = 0] = this.#spans?.subarray(at, at + WIDTH) ?? [];
    return this.#blocks[number]?.rawBetween(start, end) ?? "";
  }
}
