import { areQuick, type PutValue, type QuickNative } from "../importers/quick-native.js";
import type { ByteLine } from "./byte-lines.js";

/** Reads rows without quotes straight from their bytes. */
export class QuickCsv {
  private constructor(
    private readonly native: QuickNative,
    private readonly puts: readonly PutValue[],
    private readonly delimiter: number,
  ) {
    native.reset();
  }

  /** `null` when rows under such a header cannot be read so. */
  static under(header: readonly string[], delimiter: string, native: QuickNative): QuickCsv | null {
    const puts = header.flatMap((column) => native.reader(column, "text") ?? []);
    return areQuick(header) && puts.length === header.length
      ? new QuickCsv(native, puts, delimiter.charCodeAt(0))
      : null;
  }

  /** Whether the draft is now what the row says. */
  read({ block, start, end }: ByteLine): boolean {
    const { puts, delimiter } = this;
    const last = puts.length - 1;
    let from = start;
    for (let n = 0; n <= last; n++) {
      let at = from;
      for (; at < end; at++) {
        const byte = block[at]!;
        if (byte === delimiter) break;
        if (byte < 0x20 || byte > 0x7e) return false;
      }
      const isLast = at === end;
      if (isLast !== (n === last) || !puts[n]!(block, from, at)) return false;
      from = at + 1;
    }
    return this.native.isSound();
  }
}
