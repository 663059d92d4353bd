import { statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type Sqlite from "better-sqlite3";
import type { FileHealth } from "../../domain/doctor-database.js";
import { explainSqlite, sqliteCode, whileBusy } from "./busy.js";
import { connect, requireFile, type SqliteOptions } from "./open.js";

/** Defects that are told. */
const MOST_DEFECTS = 10;

/** By what Linux calls them; elsewhere they are not told apart. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xfe534d42, "SMB"],
  [0xff534d42, "CIFS"],
  [0x01021997, "9P"],
  [0x5346414f, "AFS"],
  [0x00c36400, "Ceph"],
]);

export async function sqliteHealth(
  { path, waitMs }: SqliteOptions,
  { pages }: { readonly pages: boolean },
): Promise<FileHealth> {
  const { size: bytes } = requireFile(path);
  // Before it is opened, which may make the log beside it.
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const disk = await statfs(dirname(path));
  let raw: Sqlite.Database | undefined;
  try {
    const opened = await whileBusy(waitMs, () => connect(path, { create: false, blockMs: 0 }));
    raw = opened;
    const journalMode = await whileBusy(waitMs, () => opened.pragma("journal_mode", { simple: true }));
    return {
      kind: "sqlite",
      path,
      bytes,
      walBytes,
      journalMode: String(journalMode),
      freeBytes: disk.bavail * disk.bsize,
      network: process.platform === "linux" ? (NETWORK_FILE_SYSTEMS.get(disk.type) ?? null) : null,
      others: whatOthersMay(path),
      defects: pages ? await whileBusy(waitMs, () => defectsOf(opened)) : null,
    };
  } catch (error) {
    throw explainSqlite(error, path);
  } finally {
    raw?.close();
  }
}

/** A page that cannot be made sense of at all ends the check. */
function defectsOf(raw: Sqlite.Database): string[] {
  try {
    const found = raw.pragma(`quick_check(${MOST_DEFECTS})`) as { quick_check: string }[];
    return found.map((row) => row.quick_check).filter((text) => text !== "ok");
  } catch (error) {
    if (!sqliteCode(error).startsWith("SQLITE_CORRUPT")) throw error;
    return [(error as Error).message];
  }
}

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
const OTHERS_ENTER = 0o001;

/** By the rights of the file, and of the folders through which others would have to come. */
function whatOthersMay(path: string): FileHealth["others"] {
  if (process.platform === "win32") return "nothing";
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & OTHERS_ENTER) === 0) return "nothing";
    if (folder === dirname(folder)) break;
  }
  const { mode } = statSync(path);
  if ((mode & OTHERS_WRITE) !== 0) return "write";
  return (mode & OTHERS_READ) === 0 ? "nothing" : "read";
}
