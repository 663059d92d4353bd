import { type RawBuilder, sql } from "kysely";

/*
 * Months of the ledger are partitions, and what has none lies in `usage_event_rest`. Only the owner of a table can add and
 * drop its partitions, and an operator should not have to be the owner: so functions do, in the owner's name, which can do
 * nothing else. Both give up at once where they would have to wait for whoever reads the ledger, since everybody else would
 * wait behind them.
 */
const FUNCTIONS = `
create function usage_months() returns table (name text, starts bigint, ends bigint)
language sql stable set search_path = %1$I, pg_temp as $body$
  select relname::text, bounds[1]::bigint, bounds[2]::bigint
  from pg_inherits join pg_class on pg_class.oid = inhrelid,
    regexp_match(pg_get_expr(relpartbound, pg_class.oid), $$FROM \\('(-?\\d+)'\\) TO \\('(-?\\d+)'\\)$$) as bounds
  where inhparent = 'usage_event'::regclass and bounds is not null
  order by 2
$body$;

create function add_usage_month(label text, month_starts bigint, month_ends bigint) returns boolean
language plpgsql security definer set search_path = %1$I, pg_temp set lock_timeout = '100ms' as $body$
declare
  part text := 'usage_event_' || label;
  first bigint;
begin
  if label !~ '^\\d{4}_\\d{2}$' then
    raise exception 'no month: %%', label;
  end if;
  lock table usage_event in share update exclusive mode;
  -- Months that were added under another zone end elsewhere.
  select coalesce(max(ends), month_starts) into first
  from usage_months() where ends > month_starts and starts < month_ends;
  if first >= month_ends or to_regclass(quote_ident(part)) is not null
    or exists (select from usage_event_rest where occurred_at >= first and occurred_at < month_ends) then
    return false;
  end if;
  execute format('create table %%I (like usage_event including defaults including constraints)', part);
  execute format('alter table usage_event attach partition %%I for values from (%%s) to (%%s)', part, first, month_ends);
  return true;
end
$body$;

create function drop_usage_month(before bigint) returns bigint
language plpgsql security definer set search_path = %1$I, pg_temp set lock_timeout = '100ms' as $body$
declare
  part text;
  dropped bigint;
begin
  select name into part from usage_months() where ends <= before order by starts limit 1;
  if part is null then
    return null;
  end if;
  -- Before it is locked: nobody writes there any more.
  execute format('select count(*) from %%I', part) into dropped;
  execute format('drop table %%I', part);
  return dropped;
end
$body$;

revoke execute on function add_usage_month(text, bigint, bigint), drop_usage_month(bigint) from public;
`;

/** What makes a table that is partitioned by `occurred_at` the ledger. */
export const LEDGER_PARTS: readonly RawBuilder<unknown>[] = [
  sql`create table usage_event_rest partition of usage_event default`,
  sql.raw(`do $do$ begin execute format($functions$${FUNCTIONS}$functions$, current_schema()); end $do$`),
];
