import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareDb(program: Command, run: Run): void {
  const db = noun(program, "db", "Look after the database: back it up, prove it, mend it, prune it");
  declareCare(db, run);
  declareLedger(db, run);
}

/** What is done to the database as a whole. */
function declareCare(db: Command, run: Run): void {
  declare(db, run, {
    usage: "info",
    summary: "Say where the database is, what it holds and what was done for it",
    details:
      "Its schema, size, testers and ledger, until when it is sealed, the last reset and the last backup, and which products opened it. Works on a database of an older version, too.",
    examples: ["alpha db info", "alpha db info --json"],
    tabular: true,
    load: () => import("./info.js"),
  });
  declare(db, run, {
    usage: "migrate",
    summary: "Bring the database to the schema of this version",
    details:
      "In one transaction: it is done whole or not at all. A database that is up to date stays as it is. Unlike alpha init it never creates one.",
    examples: ["alpha db migrate --dry-run", "alpha db migrate"],
    changes: true,
    load: () => import("./migrate.js"),
  });
  declare(db, run, {
    usage: "backup <file>",
    summary: "Copy the database into a file while it is in use, and prove the copy",
    details:
      "The copy is of one instant, whatever is written meanwhile. Before it takes its name its pages are checked and its totals added up; nothing but a whole backup ever stands under that name. An older file there is replaced only with --yes. Exits 1 when totals differ, though the backup is kept. A PostgreSQL database is backed up with pg_dump.",
    args: { file: "where to put it" },
    examples: ["alpha db backup alpha-copy.db", "alpha db backup nightly.db --yes"],
    changes: true,
    confirms: true,
    load: () => import("./backup.js"),
  });
  declare(db, run, {
    usage: "restore <file>",
    summary: "Put a backup in the place of the database, stopped until you lift it",
    details:
      "The backup is checked, added up and brought to this version's schema first, in a copy. The database that was there is kept under another name; running products find the new one within a second. Holds are dropped, and every call is refused until alpha emergency-stop off: an old backup knows nothing of what was used since. A PostgreSQL database is restored with pg_restore.",
    args: { file: "a backup that alpha db backup made" },
    options: [new Option("--reason <text>", "why, for the audit and the stop")],
    examples: [
      "alpha db restore alpha-backup.db --dry-run",
      "alpha db restore alpha-backup.db --yes --reason 'disk failed'",
    ],
    changes: true,
    confirms: true,
    load: () => import("./restore.js"),
  });
  declare(db, run, {
    usage: "move",
    summary: "Carry the whole database to a PostgreSQL server, or to a file",
    details:
      "Everything goes along: testers, limits, the ledger, its history, the audit, and all numbers. The database that is left is stopped first and stays so; the new one can be used once counts, sums and totals are proven to be the same. Interrupted, the same command goes on where it stopped. Nothing is overwritten.",
    options: [
      new Option(
        "--to <database>",
        "an empty database such as postgres://olga@db.example.com/alpha, or a new file",
      ).makeOptionMandatory(),
    ],
    examples: [
      "alpha db move --to postgres://olga@db.example.com/alpha",
      "alpha db move --to alpha-moved.db --dry-run",
      "alpha db move --to alpha-moved.db --yes",
    ],
    changes: true,
    confirms: true,
    load: () => import("./move.js"),
  });
}

/** What is done with the ledger and its totals. */
function declareLedger(db: Command, run: Run): void {
  declare(db, run, {
    usage: "verify",
    summary: "Add up the whole ledger and compare every total with it",
    details:
      "Totals of users, reports and guardrails are kept while usage is entered; this proves that they are what the ledger comes to, and names each that is not. Of sealed months it proves that the totals are what was kept of them. It only reads, and others may write meanwhile. Exits 1 when anything differs.",
    examples: ["alpha db verify", "alpha db verify --json"],
    tabular: true,
    load: () => import("./verify.js"),
  });
  declare(db, run, {
    usage: "rebuild",
    summary: "Mend every total that is not what the ledger adds up to",
    details:
      "Others may write meanwhile, and stopped half-way it is taken up by the next run. With --time-zone days and months begin in another zone from then on, and everything is added up anew in it, in one transaction for which all calls wait; that is refused once months are sealed.",
    options: [new Option("--time-zone <zone>", "where days and months are to begin, such as Europe/Berlin")],
    examples: [
      "alpha db rebuild --dry-run",
      "alpha db rebuild",
      "alpha db rebuild --time-zone Europe/Berlin --yes",
    ],
    changes: true,
    confirms: true,
    tabular: true,
    load: () => import("./rebuild.js"),
  });
  declare(db, run, {
    usage: "prune",
    summary: "Let go of the single calls of old months; their totals and reports stay",
    details:
      "Only whole months whose days alpha reset daily has closed, and only when every total is what the ledger adds up to. The months are sealed first: nothing can be entered into them any more, and calls in them cannot be listed, repriced or taken back. Works in short transactions; stopped half-way, the same command goes on.",
    options: [
      new Option("--before <day>", "the first day that stays, such as 2026-06-01").makeOptionMandatory(),
    ],
    examples: ["alpha db prune --before 2026-06-01 --dry-run", "alpha db prune --before 2026-06-01 --yes"],
    changes: true,
    confirms: true,
    tabular: true,
    load: () => import("./prune.js"),
  });
}
