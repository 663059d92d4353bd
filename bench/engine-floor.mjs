// The floor: the bare statements and pragmas that a check and a pair consist of, with nothing around them.
import Database from "better-sqlite3";

function open(path) {
  const database = new Database(path, { timeout: 5_000 });
  database.pragma("synchronous = normal");
  database.pragma("wal_autocheckpoint = 16000");
  return database;
}

/** What tells a check that nobody else has committed. */
export function bareVersion(path) {
  const statement = open(path).prepare("pragma data_version").pluck();
  return () => statement.get();
}

/**
 * The rows that so many pairs write: their holds in one transaction; then their events, the identities of these, both
 * totals and the end of the holds in another.
 */
export function barePairs(path, pairs) {
  const database = open(path);
  const run = (sql) => database.prepare(sql);
  const begin = run("begin immediate");
  const commit = run("commit");
  const putHold = run("insert into hold values (1, ?, 1, 100, 0, 1000, 1, ?, ?)");
  const dropHold = run("delete from hold where user_id = 1 and id = ?");
  const addEvent =
    run(`insert into usage_event (user_id, call_kind_id, occurred_at, recorded_at, input, cache_read,
    cache_write, output, reasoning, images, requests, cost, assumed, priced_by)
    values (1, 1, ?, ?, 60, 0, 0, 40, 0, 0, 1, 900, 0, 'log')`);
  const addKey = run("insert into event_key (source_id, id, hash, event_id) values (1, ?, 7, ?)");
  const addToWindow = run(`insert into usage_window values (1, ?, 1, 100, 0, 900, 1)
    on conflict do update set tokens = tokens + excluded.tokens, cost = cost + excluded.cost`);
  const addToDay = run(`insert into usage_day values (1, 1, 1, 60, 0, 0, 40, 0, 0, 1, 900, 0, 0)
    on conflict do update set input = input + excluded.input, cost = cost + excluded.cost`);
  let made = 0;
  return () => {
    const now = Date.now();
    const ids = Array.from({ length: pairs }, (_, n) => `r_${String(made + n).padStart(22, "0")}`);
    made += pairs;
    begin.run();
    for (const id of ids) putHold.run(id, now, now + 600_000);
    commit.run();
    begin.run();
    for (const id of ids) {
      addKey.run(id, addEvent.run(now, now).lastInsertRowid);
      dropHold.run(id);
    }
    addToWindow.run("day");
    addToWindow.run("month");
    addToDay.run();
    commit.run();
  };
}
