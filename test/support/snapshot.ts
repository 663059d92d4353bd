import Sqlite from "better-sqlite3";

/** Every row of every table of a database that no process has open for writing. */
export function snapshot(path: string): Record<string, unknown[]> {
  return query(path, (db) => {
    const tables = db
      .prepare<[], string>("select name from sqlite_schema where type = 'table' order by name")
      .pluck()
      .all();
    return Object.fromEntries(tables.map((table) => [table, db.prepare(`select * from "${table}"`).all()]));
  });
}

/** Rows of one query, read by another connection than the program's. */
export function rowsOf(path: string, text: string): Record<string, unknown>[] {
  return query(path, (db) => db.prepare<[], Record<string, unknown>>(text).all());
}

function query<T>(path: string, work: (db: Sqlite.Database) => T): T {
  const db = new Sqlite(path, { fileMustExist: true });
  try {
    return work(db);
  } finally {
    db.close();
  }
}
