import Sqlite from "better-sqlite3";

/** Locks a database against writers, or against everybody, until it is told to let go. */
const [path = "", how = ""] = process.argv.slice(2);
const raw = new Sqlite(path);
if (how === "everybody") {
  raw.pragma("locking_mode = exclusive");
  raw.exec("begin exclusive");
} else {
  raw.exec("begin immediate");
}
console.log("locked");
process.once("message", () => {
  raw.exec("rollback");
  raw.close();
  console.log("free");
  process.disconnect();
});
