import {
  CHECKS,
  type Check,
  counted,
  type Finding,
  fine,
  inOrder,
  problem,
  skipped,
} from "../domain/doctor.js";
import { diagnoseBackup, diagnoseHealth, diagnoseTotals } from "../domain/doctor-database.js";
import { diagnoseLimits } from "../domain/doctor-limits.js";
import { diagnoseSources, diagnoseUsage } from "../domain/doctor-usage.js";
import { calendar, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { BACKUP_ACTION } from "./backup.js";
import { limitFacts, usageFacts } from "./doctor-facts.js";
import type { Engine } from "./engine.js";
import { findOverlaps } from "./overlaps.js";
import type { DatabaseFacts } from "./ports/database.js";
import type { LookAtDatabase } from "./ports/doctor.js";
import { verifyTotals } from "./verify.js";

/** What is looked at: each is asked for only once what comes before it is sound. */
export interface DoctorPorts {
  readonly inspect: () => Promise<DatabaseFacts>;
  readonly look: LookAtDatabase;
  readonly engine: () => Promise<Engine>;
}

export interface DoctorOptions {
  /** Leaves out what reads the whole ledger or the whole file. */
  readonly quick?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** A ledger with more rows is not added up. */
  readonly mostRows?: number;
}

export interface Diagnosis {
  /** In the order of the checks; each check is there, though perhaps only to say that it was not made. */
  readonly findings: readonly Finding[];
  /** Whether the database can be opened: what it holds was looked at. */
  readonly opened: boolean;
}

const DAY = 24 * 60 * 60_000;
/** Of the sources of calls. */
const SOURCE_DAYS = 30;
/** Some seconds of adding up. */
const MOST_ROWS = 1_000_000;

const OF_A_FILE: readonly Check[] = ["access", "wal", "disk", "pages"];
const OF_A_SERVER: readonly Check[] = ["server"];

/**
 * Looks at everything that could be wrong and changes nothing. What keeps the database from being opened is a finding,
 * too.
 * @throws AlphaError `interrupted`
 */
export async function examine(ports: DoctorPorts, options: DoctorOptions = {}): Promise<Diagnosis> {
  const findings: Finding[] = [];
  let checks: readonly Check[] = CHECKS;
  try {
    const { kind, version, pending } = await ports.inspect();
    checks = CHECKS.filter((check) => !(kind === "sqlite" ? OF_A_SERVER : OF_A_FILE).includes(check));
    findings.push(fine("database", `${kind === "sqlite" ? "SQLite" : "PostgreSQL"} ${version}`));
    findings.push(...diagnoseHealth(await ports.look({ pages: options.quick !== true })));
    if (pending.length > 0) {
      findings.push(problem("schema", `it lacks ${pending.join(", ")}`, "alpha db migrate"));
      return { findings: inOrder(findings, checks, "the schema is too old"), opened: false };
    }
    findings.push(fine("schema", "up to date"));
    // What was found stays when what comes after it cannot be read.
    for await (const some of examineContents(await ports.engine(), options)) findings.push(...some);
  } catch (error) {
    const others = findings.filter(({ check }) => check !== "database");
    const all = [databaseProblem(error), ...others];
    return { findings: inOrder(all, checks, "the database cannot be read"), opened: false };
  }
  return { findings: inOrder(findings, checks, notMade(findings)), opened: true };
}

/** What a database that cannot be used says, with what to do; anything else is passed on. */
function databaseProblem(error: unknown): Finding {
  if (!(error instanceof AlphaError) || !["database", "config"].includes(error.code)) throw error;
  return problem("database", error.message, error.hint ?? "see docs/doctor.md");
}

function notMade(findings: readonly Finding[]): string {
  const isZoneless = findings.some(({ check, level }) => check === "zone" && level === "problem");
  return isZoneless ? "the time zone is unknown" : "left out by --quick";
}

async function* examineContents(engine: Engine, options: DoctorOptions): AsyncGenerator<Finding[]> {
  yield [await tryToWrite(engine)];
  const zone = zoneFinding(await engine.store.read(async (tx) => (await tx.settings.current()).time_zone));
  yield [zone];
  // Without days and months there is nothing to be said of what is counted by them.
  if (zone.level !== "ok") return;
  const at = engine.now();
  const { store } = engine;
  yield await store.read(async (tx) => diagnoseLimits(await limitFacts(tx, at)));
  yield await store.read(async (tx) => diagnoseUsage(await usageFacts(tx, at)));
  const [backup] = await store.read((tx) => tx.records.audit({ actions: [BACKUP_ACTION], limit: 1 }));
  yield [diagnoseBackup(backup?.at ?? null)];
  if (options.quick !== true) yield await examineLedger(engine, at, options);
}

/** Takes the lock that every writer takes, and gives it back. */
async function tryToWrite(engine: Engine): Promise<Finding> {
  try {
    await engine.store.write(async () => undefined, { dryRun: true });
    return fine("writable", `${engine.actor} may write`);
  } catch (error) {
    const { message, remedy } = databaseProblem(error);
    return problem("writable", message, remedy ?? "");
  }
}

function zoneFinding(zone: string): Finding {
  try {
    return fine("zone", `days and months begin in ${calendar(zone).zone}`);
  } catch (error) {
    if (!(error instanceof AlphaError)) throw error;
    return problem(
      "zone",
      `this machine's Node knows no time zone ${zone}, in which days and months are to begin`,
      "use a build of Node with all time zones, as nodejs.org's are",
    );
  }
}

/** What takes one reading of the whole ledger each. */
async function examineLedger(
  engine: Engine,
  at: Instant,
  { signal, mostRows = MOST_ROWS }: DoctorOptions,
): Promise<Finding[]> {
  const rows = await engine.store.read((tx) => tx.ledger.rowCount());
  if (rows > mostRows) {
    const why = `the ledger is long (${counted(rows, "row")}): alpha db verify adds it up`;
    return [skipped("sources", why), skipped("totals", why)];
  }
  const shared = await findOverlaps(engine, at - SOURCE_DAYS * DAY, at + DAY);
  const { differenceCount } = await verifyTotals(engine, signal === undefined ? {} : { signal });
  return [diagnoseSources(shared), diagnoseTotals({ rows, differences: differenceCount })];
}
