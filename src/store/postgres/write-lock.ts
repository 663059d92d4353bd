import { MIGRATION_TABLE } from "../migration-state.js";

/*
 * Who writes takes one advisory lock first: metering shares it, whoever must be alone among all writers excludes the
 * others. A row would not do, since every process would wait for it on each batch; a table lock would not do either,
 * since it needs rights that a product has no other use for. Waiting for it is fair: who shares it queues behind who
 * excludes. It ends with the transaction, so that it holds behind a transaction-mode pooler too, and nobody can forget
 * it. It has to be a statement of its own: under READ COMMITTED whatever follows then sees all that those before had
 * committed.
 */

/** "alph": tells the locks of this program from those of others in the same database. */
const CLASS = 0x61_6c_70_68;

/** Several alphas in one database do not wait for one another, and whoever uses one means the same table. */
const KEY = `${CLASS}, coalesce(to_regclass('${MIGRATION_TABLE}')::oid::int4, 0)`;

/** Waits until no other transaction writes, and keeps all others waiting until the end of this one. */
export const EXCLUDE_WRITERS = `select pg_advisory_xact_lock(${KEY})`;

/** Waits until nobody excludes writers, and keeps whoever wants to waiting until the end of this transaction. */
export const JOIN_WRITERS = `select pg_advisory_xact_lock_shared(${KEY})`;
