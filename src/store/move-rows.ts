import { type RawBuilder, sql } from "kysely";
import type { TableShape } from "./move-tables.js";
import type { Db } from "./schema.js";

export type Value = number | string | null;
export type Row = Readonly<Record<string, Value>>;
export type Key = readonly Value[];

/** The rows behind a key, in the order of their keys. */
export async function readRows(
  db: Db,
  { key, columns, from }: TableShape,
  after: Key | null,
  limit: number,
): Promise<Row[]> {
  const selected = sql.join(columns.map(({ name }) => sql.ref(name)));
  const order = sql.join(key.map((name) => sql.ref(name)));
  const behind = after === null ? sql`` : sql`where (${order}) > (${sql.join(after)})`;
  const query = sql<Row>`select ${selected} from ${from} ${behind} order by ${order} limit ${limit}`;
  return (await query.execute(db)).rows;
}

export function keyOf({ key }: TableShape, row: Row): Key {
  return key.map((name) => row[name] as Value);
}

export function areSame({ columns }: TableShape, these: readonly Row[], those: readonly Row[]): boolean {
  return (
    these.length === those.length &&
    these.every((row, at) => columns.every(({ name }) => row[name] === those[at]?.[name]))
  );
}

export async function countRows(db: Db, { from }: TableShape): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${from}`.execute(db);
  return Number(rows[0]?.count);
}

/**
 * What a table comes to, as texts: how many rows it has, and for each column how many values, and their sum or the sum of
 * their lengths. Added up by the database itself, in two halves, since a sum may leave its integers.
 */
export async function sumsOf(db: Db, { columns, from }: TableShape): Promise<string> {
  const sum = (of: RawBuilder<unknown>) => sql`cast(coalesce(sum(${of}), 0) as text)`;
  const sums = columns.flatMap(({ name, isInteger }) => {
    const column = sql.ref(name);
    const values = sql`cast(count(${column}) as text)`;
    if (!isInteger) return [values, sum(sql`length(${column})`)];
    return [values, sum(sql`${column} / 1048576`), sum(sql`${column} % 1048576`)];
  });
  const named = [sql`cast(count(*) as text)`, ...sums].map(
    (each, at) => sql`${each} as ${sql.ref(`s${at}`)}`,
  );
  const { rows } = await sql<Row>`select ${sql.join(named)} from ${from}`.execute(db);
  return Object.values(rows[0] ?? {}).join(" ");
}
