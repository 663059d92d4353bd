import Sqlite from "better-sqlite3";
import { onTestFinished, vi } from "vitest";

/** Every SQLite connection that this process opens from now on, as far as it sets a pragma, which all of ours do. */
export function watchConnections(): ReadonlySet<Sqlite.Database> {
  const connections = new Set<Sqlite.Database>();
  const pragma = Sqlite.prototype.pragma;
  const spy = vi.spyOn(Sqlite.prototype, "pragma").mockImplementation(function (
    this: Sqlite.Database,
    ...args
  ) {
    connections.add(this);
    return pragma.apply(this, args);
  });
  onTestFinished(() => spy.mockRestore());
  return connections;
}
