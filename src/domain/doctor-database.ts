import { shellWord } from "./crontab.js";
import { counted, type Finding, fine, orFine, problem, warning } from "./doctor.js";
import { formatInstant, type Instant } from "./window.js";

/** The file that a SQLite database is. Sizes in bytes. */
export interface FileHealth {
  readonly kind: "sqlite";
  readonly path: string;
  readonly bytes: number;
  /** Of the log of what was written and is not in the file yet; 0 where there is none. */
  readonly walBytes: number;
  /** How SQLite keeps a transaction whole: `wal`, or what somebody has set instead. */
  readonly journalMode: string;
  /** What is free for this program on the disk. */
  readonly freeBytes: number;
  /** The kind of network file system on which it is; `null`: on none that is known. */
  readonly network: string | null;
  /** What every account of the machine may do with it. */
  readonly others: "nothing" | "read" | "write";
  /** What is wrong with its pages, in SQLite's words; `null`: not looked at. */
  readonly defects: readonly string[] | null;
}

/** The server of a PostgreSQL database. */
export interface ServerHealth {
  readonly kind: "postgres";
  /** Settings that must be on for a commit to survive a crash of the server or a power cut. */
  readonly unsafe: readonly ("fsync" | "full_page_writes")[];
  readonly connections: number;
  readonly maxConnections: number;
}

export type DatabaseHealth = FileHealth | ServerHealth;

/** Twice what the log grows to as long as nobody reads for long. */
const LARGE_WAL = 64_000_000;
const LITTLE_ROOM = 1_000_000_000;
const NO_ROOM = 100_000_000;
/** Part of the connections from which on products may soon be refused one. */
const MANY_CONNECTIONS = 0.9;

export function diagnoseHealth(health: DatabaseHealth): Finding[] {
  return health.kind === "sqlite" ? diagnoseFile(health) : [diagnoseServer(health)];
}

function diagnoseFile(file: FileHealth): Finding[] {
  return [diagnoseAccess(file), diagnoseWal(file), ...diagnoseDisk(file), ...diagnosePages(file)];
}

function diagnoseAccess({ others, path }: FileHealth): Finding {
  if (others === "nothing") return fine("access", "no other account of this machine may read it");
  if (others === "read") {
    return warning(
      "access",
      "every account of this machine may read it, and with it the names and addresses of testers",
      `chmod o-rwx ${shellWord(path)}*`,
    );
  }
  return problem(
    "access",
    "every account of this machine may change it, limits and stops included",
    `chmod o-rwx ${shellWord(path)}*`,
  );
}

function diagnoseWal({ journalMode, walBytes }: FileHealth): Finding {
  if (journalMode !== "wal") {
    return problem(
      "wal",
      `the journal mode is ${journalMode} instead of wal, so that whoever reads keeps others from metering`,
      "alpha init sets it again, and changes nothing else",
    );
  }
  if (walBytes > LARGE_WAL) {
    return warning(
      "wal",
      `the log beside the file has grown to ${megabytes(walBytes)}: somebody has been reading for long while others wrote`,
      "restart the product or command that holds the database open; the log goes when the last of them ends",
    );
  }
  return fine("wal", walBytes === 0 ? "nothing waits to be taken into the file" : megabytes(walBytes));
}

function diagnoseDisk({ freeBytes, bytes, network }: FileHealth): Finding[] {
  const findings: Finding[] = [];
  if (network !== null) {
    findings.push(
      problem(
        "disk",
        `the file is on a network file system (${network}), where SQLite's locks do not keep programs apart`,
        "move it to a disk of this machine, or move to PostgreSQL: see docs/postgresql.md",
      ),
    );
  }
  const free = `${megabytes(freeBytes)} free`;
  if (freeBytes < NO_ROOM) {
    findings.push(
      problem("disk", `${free}: when it is full, no call can be metered`, "free some space on the disk"),
    );
  } else if (freeBytes < LITTLE_ROOM) {
    findings.push(warning("disk", `only ${free}`, "free some space on the disk"));
  } else if (freeBytes < bytes) {
    findings.push(
      warning("disk", `only ${free}: a backup beside it has no room`, "free some space on the disk"),
    );
  }
  return orFine(findings, "disk", free);
}

function diagnosePages({ defects }: FileHealth): Finding[] {
  if (defects === null) return [];
  const [first] = defects;
  if (first === undefined) return [fine("pages", "sound")];
  return [
    problem(
      "pages",
      `the file is damaged: ${first}${defects.length > 1 ? `, and ${counted(defects.length - 1, "more defect")}` : ""}`,
      "restore a backup with alpha db restore, and keep the damaged file for a look",
    ),
  ];
}

function diagnoseServer({ unsafe, connections, maxConnections }: ServerHealth): Finding {
  if (unsafe.length > 0) {
    const are = unsafe.length === 1 ? "is" : "are";
    return problem(
      "server",
      `${unsafe.join(" and ")} ${are} off: a crash of the server's machine can destroy what was confirmed`,
      `turn ${unsafe.length === 1 ? "it" : "them"} on in postgresql.conf, and reload the server`,
    );
  }
  const used = `${connections} of ${counted(maxConnections, "connection")} in use`;
  if (connections < maxConnections * MANY_CONNECTIONS) return fine("server", used);
  return warning(
    "server",
    `${used}: soon whoever wants to meter is refused one`,
    "give products fewer with ?connection_limit=… in their address, or the server more",
  );
}

/** Two sums that should be one. */
export interface TotalsCompared {
  readonly rows: number;
  readonly differences: number;
}

export function diagnoseTotals({ rows, differences }: TotalsCompared): Finding {
  const ledger = `${counted(rows, "row")} of the ledger`;
  if (differences === 0) return fine("totals", `equal to what ${ledger} add up to`);
  return problem(
    "totals",
    `${counted(differences, "difference")} between totals and what ${ledger} add up to`,
    "alpha db verify names each; alpha db rebuild mends them",
  );
}

export function diagnoseBackup(lastBackup: Instant | null): Finding {
  // Disks and servers have ways of their own; that alpha knows of none is no finding.
  return fine(
    "backup",
    lastBackup === null ? "none is known to alpha" : `the last one was made ${formatInstant(lastBackup)}`,
  );
}

function megabytes(bytes: number): string {
  if (bytes < 1_000_000_000) return `${Math.round(bytes / 100_000) / 10} MB`;
  return `${Math.round(bytes / 100_000_000) / 10} GB`;
}
