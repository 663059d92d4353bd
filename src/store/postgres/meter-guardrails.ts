import {
  GUARDRAIL_ACTOR,
  type Guardrail,
  type GuardrailState,
  NOTHING_HELD,
  type SystemHeld,
  type Trip,
  tripReason,
} from "../../domain/guardrail.js";
import type { WindowDelta } from "../../domain/ledger-model.js";
import type { Instant } from "../../domain/window.js";
import { type Asked, numbers, type Rows, type Statement } from "./meter-client.js";
import type { Windows } from "./meter-load.js";
import type { Config } from "./meter-memory.js";

/*
 * What all users together have used in a window is the one total that every metered call has in common. As one row it
 * would make every process wait for every other's commit; so each process adds to one of `SHARDS` rows, and the total
 * is their sum. Row 0 belongs to none of them: it is what had been used when the total was begun, and it is written
 * while nobody else writes, so that no usage is missed or counted twice.
 *
 * A batch reads what is committed, in one snapshot, and neither locks the total nor waits for others that are in flight.
 * So a limit may be overshot by what the batches admit that are in flight at one moment, of which every process has one;
 * the first that sees the limit reached trips the guardrail, and from its commit on every batch that begins sees the stop.
 */
const SHARDS = 16;

/** The row that a process adds to, of the totals of all guardrails. */
export function anyShard(): number {
  return 1 + Math.floor(Math.random() * SHARDS);
}

/** A guardrail in one window. */
export type GuardrailWindow = Pick<GuardrailState, "guardrail" | "index">;

export interface Guarded {
  readonly guardrails: readonly GuardrailState[];
  readonly systemHeld: SystemHeld;
  readonly unbegun: readonly GuardrailWindow[];
  /** Whether what decides was still the same when this was read. */
  readonly isCurrent: boolean;
}

export const NOTHING_GUARDED: Guarded = {
  guardrails: [],
  systemHeld: NOTHING_HELD,
  unbegun: [],
  isCurrent: true,
};

/**
 * What to ask for the guardrails of the windows that run.
 * @param earliest as the first call sees it: what expires before the last one still counts when an earlier one drops it
 */
export function asksForGuardrails({ guardrails }: Config, windows: Windows, earliest: Instant): Asked {
  const ids: number[] = [];
  const indexes: number[] = [];
  for (const { id, period } of guardrails) {
    for (const index of period === "day" ? windows.days : windows.months) {
      ids.push(id);
      indexes.push(index);
    }
  }
  return { statement: GUARDRAILS, values: [numbers(ids), numbers(indexes), earliest] };
}

export function guardedOf(rows: Rows, config: Config): Guarded {
  const guardrails: GuardrailState[] = [];
  const unbegun: GuardrailWindow[] = [];
  let systemHeld = NOTHING_HELD;
  let isCurrent = true;
  for (const { id, window_index: index, used, begun, tripped, generation, ...held } of rows) {
    const guardrail = config.guardrails.find((each) => each.id === id) as Guardrail;
    guardrails.push({ guardrail, index, used, tripped });
    if (!begun) unbegun.push({ guardrail, index });
    // A trip moves it without excluding anybody. Taken for tripped without the stop that it turned on, a guardrail would
    // bound nothing.
    isCurrent = generation === config.generation;
    systemHeld = { tokens: held.tokens, cost: held.cost, until: held.until ?? Number.POSITIVE_INFINITY };
  }
  return { guardrails, systemHeld, unbegun, isCurrent };
}

/** What to ask for what all users have used in windows whose totals were not begun. */
export function asksForUse(unbegun: readonly GuardrailWindow[]): Asked {
  return { statement: USED, values: windowValues(unbegun) };
}

/** The guardrails with those totals. */
export function withUse(guardrails: readonly GuardrailState[], rows: Rows): GuardrailState[] {
  return guardrails.map((state) => {
    const row = rows.find(
      ({ id, window_index }) => id === state.guardrail.id && window_index === state.index,
    );
    return row === undefined ? state : { ...state, used: row.used };
  });
}

/** Begins totals. To be asked where no other transaction writes. */
export function beginsTotals(unbegun: readonly GuardrailWindow[]): Asked {
  return { statement: BEGIN_TOTALS, values: windowValues(unbegun) };
}

function windowValues(windows: readonly GuardrailWindow[]): unknown[] {
  return [
    numbers(windows.map(({ guardrail }) => guardrail.id)),
    numbers(windows.map(({ index }) => index)),
    windows.map(({ guardrail }) => guardrail.meter),
    windows.map(({ guardrail }) => guardrail.period),
  ];
}

/**
 * Adds what a batch has used to the totals of its windows. Those that were never begun are left out: what is used in
 * them will be counted when they are.
 */
export function growsTotals(
  guardrails: readonly Guardrail[],
  windows: readonly WindowDelta[],
  shard: number,
): Asked[] {
  const amounts = new Map<string, { readonly id: number; readonly index: number; amount: number }>();
  for (const { id, meter, period } of guardrails) {
    for (const window of windows) {
      if (window.period !== period || window.amounts[meter] === 0) continue;
      const key = `${id}/${window.index}`;
      const sum = amounts.get(key) ?? { id, index: window.index, amount: 0 };
      sum.amount += window.amounts[meter];
      amounts.set(key, sum);
    }
  }
  if (amounts.size === 0) return [];
  const sums = [...amounts.values()];
  const values = [
    numbers(sums.map(({ id }) => id)),
    numbers(sums.map(({ index }) => index)),
    numbers(sums.map(({ amount }) => amount)),
    shard,
  ];
  return [{ statement: GROW_TOTALS, values }];
}

/** Whoever is first trips a guardrail; for all others it has tripped already. */
export function tripsGuardrails(trips: readonly Trip[]): Asked[] {
  if (trips.length === 0) return [];
  const values = [
    numbers(trips.map(({ guardrail }) => guardrail.id)),
    numbers(trips.map(({ index }) => index)),
    numbers(trips.map(({ at }) => at)),
    trips.map(({ guardrail }) => guardrail.action),
    trips.map(tripReason),
    trips.map(({ guardrail: { meter, period } }) => `guardrail:${meter}/${period}`),
    trips.map(({ guardrail: { action, limit } }) => JSON.stringify({ action, limit })),
    GUARDRAIL_ACTOR,
  ];
  return [{ statement: TRIP, values }];
}

/** The sum of all users may be more than a number holds. Every limit is less than this, so it says as much. */
const MOST = `${Number.MAX_SAFE_INTEGER}`;

const GUARDRAILS: Statement = {
  name: "alpha_guardrails",
  text: `with held as materialized (
      select least(coalesce(sum(tokens), 0), ${MOST})::bigint as tokens,
        least(coalesce(sum(cost), 0), ${MOST})::bigint as cost, min(expires_at) as until
      from hold where expires_at > $3
    )
    select wanted.id, wanted.window_index, total.used, total.begun, held.tokens, held.cost, held.until,
      (select config from generation) as generation,
      exists (
        select from guardrail_trip as trip
        where trip.guardrail_id = wanted.id and trip.window_index = wanted.window_index
      ) as tripped
    from unnest($1::bigint[], $2::bigint[]) as wanted (id, window_index)
    cross join held
    cross join lateral (
      select least(coalesce(sum(used), 0), ${MOST})::bigint as used, coalesce(bool_or(shard = 0), false) as begun
      from guardrail_total as part
      where part.guardrail_id = wanted.id and part.window_index = wanted.window_index
    ) as total`,
};

const USED_BY_ALL = `select wanted.id, wanted.window_index, coalesce((
      select sum(case wanted.meter when 'tokens' then tokens else cost end) from usage_window as used
      where used.period = wanted.period and used.window_index = wanted.window_index
    ), 0)::bigint as used
    from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) as wanted (id, window_index, meter, period)`;

const USED: Statement = {
  name: "alpha_used_by_all",
  text: `select id, window_index, least(used, ${MOST})::bigint as used from (${USED_BY_ALL}) as total`,
};

const BEGIN_TOTALS: Statement = {
  name: "alpha_begin_totals",
  text: `insert into guardrail_total (guardrail_id, window_index, used, shard)
    select id, window_index, used, 0 from (${USED_BY_ALL}) as total
    on conflict do nothing`,
};

const GROW_TOTALS: Statement = {
  name: "alpha_grow_totals",
  text: `insert into guardrail_total (guardrail_id, window_index, shard, used)
    select id, window_index, $4, amount
    from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as grown (id, window_index, amount)
    where exists (
      select from guardrail_total as begun
      where begun.guardrail_id = id and begun.window_index = grown.window_index and begun.shard = 0
    )
    order by id, window_index
    on conflict (guardrail_id, window_index, shard) do update set used = guardrail_total.used + excluded.used`,
};

const TRIP: Statement = {
  name: "alpha_trip",
  text: `with trip as (
      select * from unnest(
        $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]
      ) as trip (guardrail_id, window_index, at, action, reason, subject, after)
    ), first as (
      insert into guardrail_trip (guardrail_id, window_index, tripped_at)
      select guardrail_id, window_index, at from trip order by guardrail_id, window_index
      on conflict do nothing
      returning guardrail_id, window_index
    ), stopped as (
      insert into stop (action, reason, actor, guardrail_id, valid_from)
      select action, reason, $8, guardrail_id, at from trip join first using (guardrail_id, window_index)
      where action <> 'alert'
    ), audited as (
      insert into audit_entry (at, actor, action, subject, after, reason)
      select at, $8, 'guardrails.trip', subject, after, reason
      from trip join first using (guardrail_id, window_index)
    )
    update generation set config = config + 1 where exists (select from first)`,
};
