import type { ImportColumns } from "../../domain/import-columns.js";
import type { IdSpan } from "../../domain/import-ids.js";
import type { Slice } from "../../domain/ledger-import.js";
import type { Asked, Rows, Statement } from "./meter-client.js";

/** Rows beyond twice as many as the slice has that one may find between its ids. */
const SLACK = 64;
/** Slices that look each id up after one whose ids lay too far apart to read all that is between them. */
const SCATTERED_FOR = 16;

/** Finds which ids of a slice are in the ledger. */
export class BulkKeys {
  #scatteredFor = 0;

  /**
   * What to ask for them. Ids that come in order lie together: reading all from the least to the greatest is far quicker
   * than looking each up.
   */
  asks({ source, ids }: ImportColumns, { from, to }: Slice, span: IdSpan): KeyQuestion {
    const each = { statement: AMONG, values: [source, ids.slice(from, to)] };
    if (!span.ascending || !span.inByteOrder || this.#isScattered()) return { asked: each, most: null, each };
    const most = 2 * (to - from) + SLACK;
    return { asked: { statement: BETWEEN, values: [source, span.least, span.greatest, most] }, most, each };
  }

  /** Content hashes by id, ids of others among them; `null`: `each` has to be asked instead. */
  known(rows: Rows, { most }: KeyQuestion): Map<string, number> | null {
    if (rows.length === most) {
      this.#scatteredFor = SCATTERED_FOR;
      return null;
    }
    return new Map(rows.map(({ id, hash }) => [id, hash]));
  }

  #isScattered(): boolean {
    this.#scatteredFor = Math.max(0, this.#scatteredFor - 1);
    return this.#scatteredFor > 0;
  }
}

export interface KeyQuestion {
  readonly asked: Asked;
  /** So many rows are not all; `null`: they are, however many. */
  readonly most: number | null;
  /** Asks for each id. */
  readonly each: Asked;
}

const SOURCE = "source_id = (select id from event_source where name = $1)";

const BETWEEN: Statement = {
  name: "alpha_keys_between",
  text: `select id, hash from event_key where ${SOURCE} and id between $2 and $3 limit $4`,
};

const AMONG: Statement = {
  name: "alpha_keys_among",
  text: `select id, hash from event_key where ${SOURCE} and id = any($2::text[])`,
};
