-- Roles that may do no more than they have to. Run it as the owner of alpha's tables, which is whoever ran `alpha init`,
-- with the search path on their schema, and again after every `alpha init` that brought new tables:
--
--   psql --set ON_ERROR_STOP=1 --single-transaction --file postgresql-roles.sql postgres://owner@db.example.com/alpha
--
-- The roles cannot log in. Whoever does is made a member of one:
--
--   create role web login password '…' in role alpha_product;
--
-- Roles belong to the whole server. For a second alpha on it, replace alpha_ by another prefix.

do $$
declare
  role text;
begin
  foreach role in array array['alpha_operator', 'alpha_product', 'alpha_reporter'] loop
    if not exists (select from pg_roles where rolname = role) then
      execute format('create role %I nologin', role);
    end if;
    execute format('grant usage on schema %I to %I', current_schema(), role);
    execute format('revoke all on all tables in schema %I from %I', current_schema(), role);
    execute format('revoke all on all sequences in schema %I from %I', current_schema(), role);
    execute format('grant select on all tables in schema %I to %I', current_schema(), role);
  end loop;
  execute format('grant insert, update, delete on all tables in schema %I to alpha_operator', current_schema());
  execute format('grant usage on all sequences in schema %I to alpha_operator', current_schema());
end $$;

-- The operator runs every command but those that change tables. What is in the ledger is never changed.
revoke insert, update, delete on kysely_migration, kysely_migration_lock from alpha_operator;
revoke update on usage_event from alpha_operator;
-- The daily reset and imports add months to the ledger, and `alpha db prune` drops them, in the owner's name.
grant execute on function add_usage_month(text, bigint, bigint), drop_usage_month(bigint) to alpha_operator;

-- The product meters, with the library. It changes nothing that decides but by tripping a guardrail.
revoke select on audit_entry, import from alpha_product;
grant insert on usage_event, event_key, event_source, call_kind, refused_call, alert, guardrail_trip, stop, audit_entry
  to alpha_product;
grant insert, update on usage_window, usage_day, refusal, guardrail_total, client to alpha_product;
grant insert, update, delete on hold to alpha_product;
grant usage on sequence usage_event_id_seq to alpha_product;
grant update (config) on generation to alpha_product;
-- A user is locked with `for no key update`, which needs a column that may be updated. Nothing reads this one.
grant update (lock_seq) on users to alpha_product;

-- Of stops and of what is done by whom, it can only say what a guardrail did.
alter table stop enable row level security;
drop policy if exists everybody_reads on stop;
drop policy if exists operators_change on stop;
drop policy if exists products_trip on stop;
create policy everybody_reads on stop for select using (true);
create policy operators_change on stop to alpha_operator using (true) with check (true);
create policy products_trip on stop for insert to alpha_product
  with check (actor = 'guardrail' and guardrail_id is not null and valid_to is null);

alter table audit_entry enable row level security;
drop policy if exists everybody_reads on audit_entry;
drop policy if exists operators_change on audit_entry;
drop policy if exists products_trip on audit_entry;
create policy everybody_reads on audit_entry for select using (true);
create policy operators_change on audit_entry to alpha_operator using (true) with check (true);
create policy products_trip on audit_entry for insert to alpha_product
  with check (actor = 'guardrail' and action = 'guardrails.trip');
