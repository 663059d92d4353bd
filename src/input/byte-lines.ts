import { alpha } from "../importers/alpha.js";
import type { RawRecord } from "../importers/importer.js";
import type { QuickNative } from "../importers/quick-native.js";
import type { UsageEntry } from "./read-usage.js";

/** A line among the bytes of a block of ASCII; `end` is one past its last byte. */
export class ByteLine implements RawRecord {
  /** @param rawOf the canonical text of the record on a line of that text */
  constructor(
    readonly block: Buffer,
    readonly start: number,
    readonly end: number,
    readonly line: number,
    private readonly rawOf: (text: string) => string,
  ) {}

  get text(): string {
    return this.block.toString("latin1", this.start, this.end);
  }

  get raw(): string {
    return this.rawOf(this.text);
  }

  /** The same for another line of the block. */
  rawBetween(start: number, end: number): string {
    return this.rawOf(this.block.toString("latin1", start, end));
  }

  get fields(): null {
    return null;
  }

  get problem(): null {
    return null;
  }

  get rejected(): null {
    return null;
  }
}

const NONE: RawRecord = { line: 0, raw: "", fields: null, problem: null, rejected: null };

/** What `native` has read from a line of bytes. There is one, which says what was read last. */
export class QuickEntry implements UsageEntry {
  readonly format = alpha.name;
  readonly source = alpha.name;
  readonly hasOwnId = true;
  readonly supersedes = false;
  record = NONE;

  constructor(readonly native: QuickNative) {}

  get draft(): QuickNative["draft"] {
    return this.native.draft;
  }

  get id(): string {
    return this.native.draft.id;
  }
}
