import { hostname } from "node:os";
import { isAbsolute, resolve } from "node:path";
import type { Decision } from "./domain/decide.js";
import { calendar, type Instant } from "./domain/window.js";
import type { Engine } from "./engine/engine.js";
import { type GuardContext, type GuardOptions, type GuardResult, guard } from "./engine/guard.js";
import {
  LimitsEngine,
  type LimitsRequest,
  type Recorded,
  type ReservationHandle,
  type ReserveResult,
  type UsageReport,
} from "./engine/limits.js";
import type { Client, Store } from "./engine/ports.js";
import type { MessageTemplate } from "./engine/sentence.js";
import { AlphaError, OutageError } from "./errors.js";
import { createIds } from "./ids.js";
import { addressIn, withoutPassword } from "./store/location.js";
import { openStore } from "./store/open-store.js";
import { StoreOpenedLater } from "./store/store-opened-later.js";

export interface OpenLimitsOptions {
  /** The database that `alpha init` created: the path of a SQLite file, or the address of a PostgreSQL database. */
  readonly database: string;
  /** The clock, in epoch milliseconds; the machine's unless given. */
  readonly now?: () => Instant;
  /** How long an operation waits for another writer before the store counts as unavailable; 2,000 ms unless given. */
  readonly waitMs?: number;
  /**
   * Let calls through while the database cannot be reached, instead of blocking them. The last stops that were seen are
   * still obeyed. The choice is kept in the database, for the operator to see.
   */
  readonly failOpen?: boolean;
  /** The IANA time zone in which messages tell instants; the accounting zone unless given. */
  readonly messageZone?: string;
  /** Makes the decision's `message`, instead of the usual sentences. */
  readonly message?: MessageTemplate;
}

/** The limits engine on one database. Safe to use from many callers at once, and from many processes. */
export interface Limits {
  /**
   * Decides whether a call may be made, without reserving anything: two checks at once may both be allowed. Use
   * `reserve` or `guard` around calls that cost something.
   */
  check(request: LimitsRequest): Promise<Decision>;
  /** Decides many requests on one snapshot, in their order, each as if those before it were reserved. */
  checkMany(requests: readonly LimitsRequest[]): Promise<Decision[]>;
  /**
   * Decides and, unless blocked, holds what is asked for until it is settled, released or expires.
   * @param options.id makes a retry the same reservation; once it is settled, every retry is blocked as `already-settled`
   * @param options.holdForMs how long it holds; the setting `hold_ttl` unless given
   */
  reserve(
    request: LimitsRequest,
    options?: { readonly id?: string; readonly holdForMs?: number },
  ): Promise<ReserveResult>;
  /**
   * Ends a reservation with what the call used; also after it expired, since usage is the truth. Twice is once.
   * @throws AlphaError `database` when it cannot be written: try again with the same handle
   */
  settle(handle: ReservationHandle, usage: UsageReport): Promise<Recorded>;
  /**
   * Counts a part of what a streaming call uses. The reservation lives on and holds as much less; `settle` ends it with
   * the rest.
   * @param options.part the number of the part, from 1; the same number again counts once
   * @param options.holdForMs how much longer the call may take; the setting `hold_ttl` unless given
   * @throws AlphaError as `settle`
   */
  settlePart(
    handle: ReservationHandle,
    usage: UsageReport,
    options: { readonly part: number; readonly holdForMs?: number },
  ): Promise<Recorded>;
  /** Ends a reservation whose call was not made. */
  release(handle: ReservationHandle): Promise<void>;
  /** Gives a long call more time, from now. `false`: the reservation is gone already. */
  extend(handle: ReservationHandle, holdForMs?: number): Promise<boolean>;
  /**
   * Records usage that nothing was reserved for.
   * @param options.id makes a retry count once; a new id unless given
   * @throws AlphaError `not-found` for an unknown user, `database` when it cannot be written
   */
  record(user: string, usage: UsageReport, options?: { readonly id?: string }): Promise<Recorded>;
  /**
   * Looks at a report, and does nothing with it: for a product that settles later, when nobody can mend it any more.
   * @throws AlphaError `usage` for what `settle` and `record` would refuse as making no sense
   */
  requireReport(usage: UsageReport): void;
  /** Reserves, runs `fn`, and settles with what it reports: the whole of it around one call. See docs/library.md. */
  guard<T>(
    request: LimitsRequest,
    fn: (context: GuardContext) => T | Promise<T>,
    options?: GuardOptions,
  ): Promise<GuardResult<T>>;
  close(): Promise<void>;
}

/**
 * Opens the limits engine for a product. It decides exactly as the command line does, from the same code.
 * @throws AlphaError `usage` for options and `config` for an address that make no sense; `database` when there is no
 * database there, or it is not this version's, or only a part of one. With `failOpen` one that is not there or cannot be
 * reached is opened later instead, by the first call that can
 */
export async function openLimits(options: OpenLimitsOptions): Promise<Limits> {
  requireOptions(options);
  const { database, now = Date.now, waitMs = 2_000, failOpen = false } = options;
  const server = addressIn(database, "the database of openLimits");
  const address = server ?? (isAbsolute(database) ? database : resolve(database));
  const location = server === null ? address : withoutPassword(server);
  const open = async () => {
    const opened = await openStore({ database: address, waitMs });
    await note(opened, { kind: "library", host: hostname(), pid: process.pid, failOpen, openedAt: now() });
    return opened;
  };
  const store = await open().catch((error: unknown) => {
    // Who chose to go on without the database can also begin without it.
    if (failOpen && error instanceof OutageError) return new StoreOpenedLater(location, open);
    throw error;
  });
  const engine: Engine = {
    store,
    now,
    ids: createIds(now),
    actor: "library",
    prices: async () => (await import("./prices/genai.js")).createGenaiPrices(),
  };
  const limits = new LimitsEngine(engine, options);
  return {
    check: (request) => limits.check(request),
    checkMany: (requests) => limits.checkMany(requests),
    reserve: (request, reserveOptions) => limits.reserve(request, reserveOptions),
    settle: (handle, usage) => limits.settle(handle, usage),
    settlePart: (handle, usage, partOptions) => limits.settlePart(handle, usage, partOptions),
    release: (handle) => limits.release(handle),
    extend: (handle, holdForMs) => limits.extend(handle, holdForMs),
    record: (user, usage, recordOptions) => limits.record(user, usage, recordOptions),
    requireReport: (usage) => limits.requireReport(usage),
    guard: (request, fn, guardOptions) => guard(limits, request, fn, guardOptions),
    close: () => store.close(),
  };
}

/** The longest that an operation may wait: a day. Beyond some weeks neither timers nor servers can count the milliseconds. */
const LONGEST_WAIT_MS = 86_400_000;

const OPTIONS: {
  readonly [Name in keyof OpenLimitsOptions]-?: readonly [(value: unknown) => boolean, string];
} = {
  database: [isText, "the path or the address of a database"],
  now: [isFunction, "a function that returns milliseconds since 1970"],
  waitMs: [
    (value) => typeof value === "number" && value >= 0 && value <= LONGEST_WAIT_MS,
    `a number of milliseconds, from 0 to ${LONGEST_WAIT_MS}`,
  ],
  failOpen: [(value) => typeof value === "boolean", "true or false"],
  messageZone: [isText, "an IANA time zone"],
  message: [isFunction, "a function that returns a sentence"],
};

/** Refuses what makes no sense before anything is opened: a bound that is no number would be none. */
function requireOptions(options: OpenLimitsOptions): void {
  if (!isText(options?.database)) {
    throw new AlphaError("usage", "openLimits needs the path or the address of a database", {
      hint: 'for example openLimits({ database: "/srv/alpha/alpha.db" })',
    });
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new AlphaError("usage", `openLimits has no option ${JSON.stringify(name)}`, {
        hint: `there are: ${Object.keys(OPTIONS).join(", ")}`,
      });
    }
    const [isFit, what] = OPTIONS[name as keyof OpenLimitsOptions];
    if (value !== undefined && !isFit(value)) {
      throw new AlphaError("usage", `${name} of openLimits must be ${what}`);
    }
  }
  if (options.messageZone !== undefined) calendar(options.messageZone);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

/** Remembers that a product uses the database. One that cannot be written now can still decide. */
async function note(store: Store, client: Client): Promise<void> {
  try {
    await store.write((tx) => tx.records.noteClient(client));
  } catch (error) {
    if (!(error instanceof AlphaError && error.code === "database")) throw error;
  }
}
