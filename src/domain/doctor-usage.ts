import { counted, type Finding, fine, orFine, problem, someOf, warning } from "./doctor.js";
import { formatUsd } from "./money.js";
import type { UnpricedModel } from "./report.js";
import { dayLabel, formatInstant, type Instant } from "./window.js";

/** How the database is used, as far as it may go wrong. */
export interface UsageFacts {
  readonly at: Instant;
  /** When anything was recorded last: usage, a reservation or a change; `null`: nothing ever. */
  readonly lastRecorded: Instant | null;
  /** When the event that was recorded last says that it occurred. */
  readonly lastOccurred: Instant | null;
  readonly reset: {
    /** The last day that was closed; `null`: none ever. */
    readonly lastDay: number | null;
    /** Days that are over and not closed. */
    readonly daysToClose: number;
    /** Cron may be late by a little. */
    readonly isOverdue: boolean;
  };
  /** Of this month and the last. */
  readonly unpriced: readonly UnpricedModel[];
  /** Who opened the database as a library of late, the latest first. */
  readonly products: readonly {
    readonly host: string;
    readonly failOpen: boolean;
    readonly openedAt: Instant;
  }[];
  readonly holds: {
    /** How many expired unsettled since the day was closed last, and whose. */
    readonly expired: number;
    readonly users: readonly string[];
    /** How many of the last seven days left an alert for that reason. */
    readonly days: number;
  };
  /** Files whose import did not come to its end, and was not repeated. */
  readonly unfinished: readonly { readonly number: number; readonly file: string }[];
}

/** How far clocks of several machines may be apart. */
const CLOCK_MS = 60_000;
/** Of a few calls that crashed nobody needs to hear. */
const HOLDS_TO_TELL = 3;

export function diagnoseUsage(facts: UsageFacts): Finding[] {
  return [
    diagnoseClock(facts),
    diagnoseReset(facts),
    diagnosePrices(facts),
    ...diagnoseProducts(facts),
    diagnoseHolds(facts),
    diagnoseImports(facts),
  ];
}

function diagnoseClock({ at, lastRecorded, lastOccurred }: UsageFacts): Finding {
  if (lastRecorded !== null && lastRecorded > at + CLOCK_MS) {
    return problem(
      "clock",
      `this machine says it is ${formatInstant(at)}, and something was recorded at ${formatInstant(lastRecorded)} already`,
      "set the clocks of all machines by NTP: in which window usage counts is told by them",
    );
  }
  if (lastOccurred !== null && lastOccurred > at + CLOCK_MS) {
    return warning(
      "clock",
      `the last event says that it occurred at ${formatInstant(lastOccurred)}, which is to come`,
      "set the clock of the machine that wrote it, or state the zone of its log's times",
    );
  }
  return fine("clock", `not behind what was recorded last: it is ${formatInstant(at)}`);
}

function diagnoseReset({ reset: { lastDay, daysToClose, isOverdue } }: UsageFacts): Finding {
  if (!isOverdue) {
    return fine(
      "reset",
      lastDay === null ? "no day is to be closed yet" : `closed up to ${dayLabel(lastDay)}`,
    );
  }
  const days = counted(daysToClose, "day");
  const since = lastDay === null ? "it has never run" : `the last that was closed is ${dayLabel(lastDay)}`;
  return warning(
    "reset",
    `the daily reset is overdue by ${days}: ${since}`,
    "alpha reset daily closes them now; alpha cron show prints what has it run",
  );
}

function diagnosePrices({ unpriced }: UsageFacts): Finding {
  if (unpriced.length === 0) return fine("prices", "no usage of this month and the last is to be given one");
  const events = unpriced.reduce((sum, each) => sum + each.events, 0);
  const assumed = unpriced.reduce((sum, each) => sum + each.assumed, 0n);
  const models = someOf(unpriced.map(({ model }) => model || "no model stated"));
  const cost = assumed === 0n ? "no cost is assumed for them" : `assumed to cost ${formatUsd(assumed)}`;
  const [first] = unpriced;
  return warning(
    "prices",
    `${counted(events, "call")} of this month and the last without a price, ${cost}: ${models}`,
    `alpha prices set ${first?.model || "<model>"} --input … --output …, then alpha usage reprice`,
  );
}

function diagnoseProducts({ products }: UsageFacts): Finding[] {
  if (products.length === 0) {
    return [
      warning(
        "products",
        "no product has opened this database of late, so that limits are shown and nothing enforces them",
        "have it call the library on this database: see docs/library.md",
      ),
    ];
  }
  const findings = products
    .filter(({ failOpen }) => failOpen)
    .map(({ host, openedAt }) =>
      warning(
        "products",
        `the product on ${host} (opened ${formatInstant(openedAt)}) fails open: while the database cannot be reached, it lets calls through unmetered`,
        "leave failOpen out of its openLimits, unless that is meant",
      ),
    );
  return orFine(findings, "products", `${counted(products.length, "product")}, none of which fails open`);
}

function diagnoseHolds({ holds: { expired, users, days } }: UsageFacts): Finding {
  if (expired < HOLDS_TO_TELL && days === 0) {
    return fine("holds", "calls that were reserved are settled or released");
  }
  const said = [
    expired === 0 ? null : `${counted(expired, "reservation")} of ${someOf(users)} expired`,
    days === 0 ? null : `it was so on ${days} of the last 7 days`,
  ].filter((part) => part !== null);
  return warning(
    "holds",
    `calls are reserved and never settled: ${said.join("; ")}`,
    "the product must settle or release each: see docs/library.md; alpha holds list --expired names them",
  );
}

function diagnoseImports({ unfinished }: UsageFacts): Finding {
  if (unfinished.length === 0) return fine("imports", "every import came to its end");
  const files = someOf(unfinished.map(({ file, number }) => `${file} (${number})`));
  return warning(
    "imports",
    `${counted(unfinished.length, "import")} did not come to the end: ${files}`,
    "import the file again, which counts nothing twice, or take it back with alpha usage undo-import",
  );
}

/** Calls of one tester that two sources cover in the same hours. */
export interface SharedSource {
  readonly user: string;
  readonly hours: number;
  readonly sources: readonly string[];
}

/** @param shared those with most hours first, of the last 30 days */
export function diagnoseSources(shared: readonly SharedSource[]): Finding {
  if (shared.length === 0) return fine("sources", "no two cover the same hours of a tester in 30 days");
  const named = shared.map(
    ({ user, hours, sources }) => `${user} (${counted(hours, "hour")}, ${sources.join(" and ")})`,
  );
  return warning(
    "sources",
    `two sources cover the same hours, and may have counted the same calls twice: ${someOf(named)}`,
    "compare them with alpha usage events, and take one back with alpha usage undo-import",
  );
}
