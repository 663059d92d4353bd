import type { Pool } from "pg";
import type { Asked, Statement } from "./meter-client.js";
import type { Patience } from "./meter-patience.js";
import { shorter } from "./time-limits.js";
import { JOIN_WRITERS } from "./write-lock.js";

/** How transactions of the hot path begin and end, whatever the server or the role is set to. */
export const BEGIN_WRITING = plain("alpha_begin_writing", "begin isolation level read committed, read write");
/** One snapshot for all that is read. */
export const BEGIN_READING = plain("alpha_begin_reading", "begin isolation level repeatable read, read only");
export const COMMIT = plain("alpha_commit", "commit");

/**
 * Bounds every wait of a transaction on the server. A process that was stopped in the middle of a batch holds its users
 * up for no longer than `IDLE_MS`.
 *
 * Nor is the server to plan anything anew: every statement of the hot path looks up some rows by their keys, and what
 * the planner believes about tables that are new, or whose rows come and go as fast as those of holds, misleads it into
 * reading them whole.
 * What the address says of the same is in force where it is shorter.
 */
export function limitsOf({ options }: Pool, { waitMs, workMs }: Patience): Asked {
  const values = [
    shorter(waitMs, options.lock_timeout),
    shorter(workMs, options.statement_timeout),
    shorter(IDLE_MS, options.idle_in_transaction_session_timeout),
  ];
  return { statement: LIMITS, values };
}

/** The same, but that a statement may take as long as it takes. */
export function limitsWithoutWork(pool: Pool, patience: Patience): Asked {
  const { statement, values: [wait, , idle] = [] } = limitsOf(pool, patience);
  return { statement, values: [wait, "0", idle] };
}

const IDLE_MS = 10_000;

/** The same, and shares the lock that operators' changes take alone: in one statement, as every batch asks for both. */
export function joinsWriters(pool: Pool, patience: Patience): Asked {
  return { ...limitsOf(pool, patience), statement: JOIN };
}

const SET_LIMITS = `select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true),
    set_config('idle_in_transaction_session_timeout', $3, true),
    set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`;

const LIMITS: Statement = { name: "alpha_limits", text: SET_LIMITS };
// In this order: what was set is in force for what is waited for behind it, and users are waited for as much shorter.
const JOIN: Statement = {
  name: "alpha_join",
  text: `${SET_LIMITS}, (${JOIN_WRITERS}), set_config('lock_timeout', greatest(1, $1::integer
      - 1000 * extract(epoch from clock_timestamp() - statement_timestamp()))::integer::text, true)`,
};

function plain(name: string, text: string): Asked {
  return { statement: { name, text } };
}
