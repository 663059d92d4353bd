import Sqlite from "better-sqlite3";

/** Keeps a database from being written, until it is told to let go. */
const [path = ""] = process.argv.slice(2);
const raw = new Sqlite(path);
raw.exec("begin immediate");
console.log("locked");
process.once("message", () => {
  raw.exec("rollback");
  raw.close();
  console.log("free");
  process.disconnect();
});
