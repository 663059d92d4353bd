import type Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import type { IdSpan } from "../../domain/import-ids.js";
import type { Schema } from "../schema.js";

/** Ids looked up by one statement. */
const AT_ONCE = 64;
/** Slices that look each id up after one whose ids lay too far apart to read all that is between them. */
const SCATTERED_FOR = 16;

type Known = [id: string, hash: number];

/** Finds which ids of a slice are in the ledger. */
export class BulkKeys {
  readonly #between: Sqlite.Statement<unknown[], Known>;
  readonly #among: Sqlite.Statement<unknown[], Known>;
  #scatteredFor = 0;

  constructor(raw: Sqlite.Database, db: Kysely<Schema>) {
    const keys = db.selectFrom("event_key").select(["id", "hash"]).where("source_id", "=", 0);
    const between = keys.where("id", ">=", "").where("id", "<=", "").limit(1);
    const among = keys.where("id", "in", Array<string>(AT_ONCE).fill(""));
    this.#between = raw.prepare<unknown[], Known>(between.compile().sql).raw();
    this.#among = raw.prepare<unknown[], Known>(among.compile().sql).raw();
  }

  /** Content hashes by id; ids of others may be among them. */
  known(source: number, ids: readonly string[], from: number, to: number, span: IdSpan): Map<string, number> {
    return this.#scan(source, to - from, span) ?? this.#lookUp(source, ids.slice(from, to).sort());
  }

  /** Ids that come in order lie together: reading all from the least to the greatest is far quicker. */
  #scan(source: number, count: number, { least, greatest, inByteOrder }: IdSpan): Map<string, number> | null {
    if (!inByteOrder) return null;
    if (this.#scatteredFor > 0) {
      this.#scatteredFor -= 1;
      return null;
    }
    const most = 2 * count + AT_ONCE;
    const found = this.#between.all(source, least, greatest, most);
    if (found.length < most) return new Map(found);
    this.#scatteredFor = SCATTERED_FOR;
    return null;
  }

  /** @param ids sorted, so that neighbours are found on the same pages */
  #lookUp(source: number, ids: readonly string[]): Map<string, number> {
    const known = new Map<string, number>();
    for (let first = 0; first < ids.length; first += AT_ONCE) {
      const some = ids.slice(first, first + AT_ONCE);
      // The last statement asks for an id again and again.
      while (some.length < AT_ONCE) some.push(some[0] as string);
      for (const [id, hash] of this.#among.all(source, ...some)) known.set(id, hash);
    }
    return known;
  }
}
