import type Sqlite from "better-sqlite3";
import type { DatabaseFacts } from "../../engine/ports.js";
import { requireKnown } from "../migration-state.js";
import { explainSqlite, whileBusy } from "./busy.js";
import { connect, requireFile, type SqliteOptions, stateOf } from "./open.js";

export async function inspectSqlite({ path, waitMs }: SqliteOptions): Promise<DatabaseFacts> {
  requireFile(path);
  let raw: Sqlite.Database | undefined;
  try {
    const opened = await whileBusy(waitMs, () => connect(path, { create: false, blockMs: 0 }));
    raw = opened;
    const { applied, pending } = requireKnown(await whileBusy(waitMs, () => stateOf(opened)), path);
    const version = opened.prepare<[], string>("select sqlite_version()").pluck().get() ?? "";
    return { kind: "sqlite", version, applied, pending };
  } catch (error) {
    throw explainSqlite(error, path);
  } finally {
    raw?.close();
  }
}
