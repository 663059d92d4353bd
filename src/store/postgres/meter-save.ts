import { type Alert, writingOrder } from "../../domain/alert.js";
import type { Changes, LedgerEvent } from "../../domain/ledger-model.js";
import type { CallKind } from "../../domain/usage.js";
import { type Asked, numbers, type Statement } from "./meter-client.js";
import { savesCorrections, savesSameEvents } from "./meter-corrections.js";
import type { Numbers } from "./meter-names.js";
import { savesRefusedCalls } from "./meter-refusals.js";
import { RESERVED_COLUMNS, ROW_ARRAYS, ROW_COLUMNS, reservedValues, rowValues } from "./meter-rows.js";

/** The sources whose numbers `saves` will need. */
export function sourcesIn({ events, sameEvents, corrections }: Changes): string[] {
  const { keysGone = [], keysChanged = [] } = corrections ?? {};
  return [...events, ...sameEvents, ...keysGone, ...keysChanged].map(({ source }) => source);
}

/** The call kinds whose numbers `saves` will need. */
export function kindsIn({ events, days, holdsPut, refusedCalls, corrections }: Changes): CallKind[] {
  const asked = [...holdsPut.map(({ hold }) => hold.kind), ...refusedCalls.map(({ kind }) => kind)];
  return [...events, ...days, ...asked, ...(corrections?.rows ?? [])];
}

/** What to ask to write what a batch has changed: one statement for each table that it touches. */
export function saves(changes: Changes, names: Numbers): Asked[] {
  return [
    // An identity that is freed may be used again by the events.
    ...(changes.corrections === undefined ? [] : savesCorrections(changes.corrections, names)),
    ...savesEvents(changes.events, names),
    ...savesSameEvents(changes.sameEvents, names),
    ...savesWindows(changes.windows),
    ...savesDays(changes, names),
    ...dropsHolds(changes),
    ...putsHolds(changes, names),
    // Counted after, since how many there were decides whether they are kept.
    ...savesRefusedCalls(changes, names),
    ...savesRefusals(changes),
    ...savesAlerts(changes.alerts),
  ];
}

function savesEvents(events: readonly LedgerEvent[], names: Numbers): Asked[] {
  if (events.length === 0) return [];
  const keys = [
    numbers(events.map(({ source }) => names.sourceId(source))),
    events.map(({ id }) => id),
    numbers(events.map(({ hash }) => hash)),
    events.map(({ providerId }) => providerId),
  ];
  const values = [...rowValues(events, names), ...keys];
  // Usage that is only recorded does not pay for what it cannot have.
  return events.every(({ reserved, part }) => reserved === null && part === null)
    ? [{ statement: SAVE_EVENTS, values }]
    : [{ statement: SAVE_RESERVED_EVENTS, values: [...values, ...reservedValues(events)] }];
}

function savesWindows(windows: Changes["windows"]): Asked[] {
  if (windows.length === 0) return [];
  const values = [
    numbers(windows.map(({ userId }) => userId)),
    windows.map(({ period }) => period),
    numbers(windows.map(({ index }) => index)),
    numbers(windows.map(({ amounts }) => amounts.tokens)),
    numbers(windows.map(({ amounts }) => amounts.images)),
    numbers(windows.map(({ amounts }) => amounts.cost)),
    numbers(windows.map(({ amounts }) => amounts.requests)),
  ];
  return [{ statement: SAVE_WINDOWS, values }];
}

function savesDays({ days }: Changes, names: Numbers): Asked[] {
  if (days.length === 0) return [];
  const values = [
    numbers(days.map((day) => day.userId)),
    numbers(days.map((day) => day.day)),
    numbers(days.map((day) => names.kindId(day))),
    numbers(days.map((day) => day.input)),
    numbers(days.map((day) => day.cacheRead)),
    numbers(days.map((day) => day.cacheWrite)),
    numbers(days.map((day) => day.output)),
    numbers(days.map((day) => day.reasoning)),
    numbers(days.map((day) => day.images)),
    numbers(days.map((day) => day.requests)),
    numbers(days.map((day) => day.cost)),
    numbers(days.map((day) => day.assumed)),
    numbers(days.map((day) => day.unpriced)),
  ];
  return [{ statement: SAVE_DAYS, values }];
}

function dropsHolds({ holdsGone }: Changes): Asked[] {
  if (holdsGone.length === 0) return [];
  const values = [numbers(holdsGone.map(({ userId }) => userId)), holdsGone.map(({ id }) => id)];
  return [{ statement: DROP_HOLDS, values }];
}

function putsHolds({ holdsPut }: Changes, names: Numbers): Asked[] {
  if (holdsPut.length === 0) return [];
  const values = [
    numbers(holdsPut.map(({ userId }) => userId)),
    holdsPut.map(({ hold }) => hold.id),
    numbers(holdsPut.map(({ hold }) => names.kindId(hold.kind))),
    numbers(holdsPut.map(({ hold }) => hold.amounts.tokens)),
    numbers(holdsPut.map(({ hold }) => hold.amounts.images)),
    numbers(holdsPut.map(({ hold }) => hold.amounts.cost)),
    numbers(holdsPut.map(({ hold }) => hold.amounts.requests)),
    numbers(holdsPut.map(({ hold }) => hold.createdAt)),
    numbers(holdsPut.map(({ hold }) => hold.expiresAt)),
  ];
  return [{ statement: PUT_HOLDS, values }];
}

function savesRefusals({ refusals }: Changes): Asked[] {
  if (refusals.length === 0) return [];
  const values = [
    numbers(refusals.map(({ userId }) => userId)),
    numbers(refusals.map(({ day }) => day)),
    refusals.map(({ code }) => code),
    refusals.map(({ meter }) => meter),
    numbers(refusals.map(({ count }) => count)),
  ];
  return [{ statement: SAVE_REFUSALS, values }];
}

export function savesAlerts(told: readonly Alert[]): Asked[] {
  if (told.length === 0) return [];
  const alerts = writingOrder(told);
  const values = [
    alerts.map(({ kind }) => kind),
    numbers(alerts.map(({ userId }) => userId)),
    alerts.map(({ period }) => period),
    numbers(alerts.map(({ index }) => index)),
    alerts.map(({ meter }) => meter),
    numbers(alerts.map(({ threshold }) => threshold)),
    alerts.map(({ code }) => code),
    numbers(alerts.map(({ at }) => at)),
  ];
  return [{ statement: SAVE_ALERTS, values }];
}

/*
 * The ledger's numbers are in the order in which a batch brought its events; the identities are written in an order of
 * their own, so that two batches that bring the same ones wait for one another and not in a circle.
 */
function savingEvents(name: string, more: { readonly columns: string; readonly arrays: string }): Statement {
  const columns = `${ROW_COLUMNS}${more.columns}`;
  return {
    name,
    text: `with numbered as (
      select nextval('usage_event_id_seq') as event, brought.*
      from unnest(${ROW_ARRAYS}, $18::bigint[], $19::text[], $20::bigint[], $21::text[]${more.arrays})
        with ordinality as brought (${ROW_COLUMNS}, source_id, id, hash, provider_id${more.columns}, place)
      order by place
    ), saved as (
      insert into usage_event (id, ${columns}) select event, ${columns} from numbered
    )
    insert into event_key (source_id, id, hash, event_id, provider_id)
    select source_id, id, hash, event, provider_id from numbered order by provider_id, source_id, id`,
  };
}

const SAVE_EVENTS = savingEvents("alpha_save_events", { columns: "", arrays: "" });

const SAVE_RESERVED_EVENTS = savingEvents("alpha_save_reserved_events", {
  columns: `, ${RESERVED_COLUMNS}`,
  arrays: ", $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[]",
});

/** Adds to the totals of windows. */
export const SAVE_WINDOWS: Statement = {
  name: "alpha_save_windows",
  text: `insert into usage_window (user_id, period, window_index, tokens, images, cost, requests)
    select * from unnest(
      $1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]
    )
    on conflict (user_id, period, window_index) do update set
      tokens = usage_window.tokens + excluded.tokens,
      images = usage_window.images + excluded.images,
      cost = usage_window.cost + excluded.cost,
      requests = usage_window.requests + excluded.requests`,
};

/** Adds to the daily totals, in the order of a cell's numbers in `ImportTotals`. */
export const SAVE_DAYS: Statement = {
  name: "alpha_save_days",
  text: `insert into usage_day (
      user_id, day, call_kind_id, input, cache_read, cache_write, output, reasoning, images, requests,
      cost, assumed, unpriced
    )
    select * from unnest(
      $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
      $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]
    )
    on conflict (user_id, day, call_kind_id) do update set
      input = usage_day.input + excluded.input,
      cache_read = usage_day.cache_read + excluded.cache_read,
      cache_write = usage_day.cache_write + excluded.cache_write,
      output = usage_day.output + excluded.output,
      reasoning = usage_day.reasoning + excluded.reasoning,
      images = usage_day.images + excluded.images,
      requests = usage_day.requests + excluded.requests,
      cost = usage_day.cost + excluded.cost,
      assumed = usage_day.assumed + excluded.assumed,
      unpriced = usage_day.unpriced + excluded.unpriced`,
};

const DROP_HOLDS: Statement = {
  name: "alpha_drop_holds",
  text: `delete from hold using unnest($1::bigint[], $2::text[]) as gone (user_id, id)
    where hold.user_id = gone.user_id and hold.id = gone.id`,
};

const PUT_HOLDS: Statement = {
  name: "alpha_put_holds",
  text: `insert into hold (
      user_id, id, call_kind_id, tokens, images, cost, requests, created_at, expires_at
    )
    select * from unnest(
      $1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
      $8::bigint[], $9::bigint[]
    )
    on conflict (user_id, id) do update set
      call_kind_id = excluded.call_kind_id,
      tokens = excluded.tokens,
      images = excluded.images,
      cost = excluded.cost,
      requests = excluded.requests,
      created_at = excluded.created_at,
      expires_at = excluded.expires_at`,
};

const SAVE_REFUSALS: Statement = {
  name: "alpha_save_refusals",
  text: `insert into refusal (user_id, day, code, meter, count)
    select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
    on conflict (user_id, day, code, meter) do update set count = refusal.count + excluded.count`,
};

// One that is there already is not tried, since it would take a number; another batch may still write it meanwhile.
const SAVE_ALERTS: Statement = {
  name: "alpha_save_alerts",
  text: `insert into alert (kind, user_id, period, window_index, meter, threshold, code, at)
    select kind, user_id, period, window_index, meter, threshold, code, at
    from unnest(
      $1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bigint[]
    ) with ordinality as told (kind, user_id, period, window_index, meter, threshold, code, at, place)
    where not exists (
      select from alert as known
      where known.user_id = told.user_id and known.window_index = told.window_index and known.kind = told.kind
        and known.period = told.period and known.meter = told.meter and known.threshold = told.threshold
    )
    order by place
    on conflict do nothing`,
};
