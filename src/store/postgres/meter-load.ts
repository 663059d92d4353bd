import { NO_WINDOW_USAGE, type WindowUsage } from "../../domain/decide.js";
import {
  eventKey,
  type Hold,
  type LedgerState,
  type LedgerUser,
  type Operation,
  partIdentity,
  windowKey,
} from "../../domain/ledger-model.js";
import type { Period } from "../../domain/meter.js";
import { calendar, type Instant } from "../../domain/window.js";
import { type Asked, numbers, type Rows, type Statement } from "./meter-client.js";
import { asksForGuardrails, type Guarded, guardedOf, NOTHING_GUARDED } from "./meter-guardrails.js";
import type { Config, KnownUser } from "./meter-memory.js";

/** Whom and what a batch or a check concerns. */
export interface Wanted {
  readonly names: readonly string[];
  readonly instants: readonly Instant[];
  /** Later ones, of usage that is dated ahead. */
  readonly ahead?: readonly Instant[];
  /** Identities that may be in the ledger already. */
  readonly sources: readonly string[];
  readonly ids: readonly string[];
  readonly providerIds: readonly string[];
}

export function wantedBy(operations: readonly Operation[]): Wanted {
  const names = new Set<string>();
  const instants = new Set<Instant>();
  const ahead = new Set<Instant>();
  const sources: string[] = [];
  const ids: string[] = [];
  const providerIds: string[] = [];
  const wantEvent = (event: { readonly source: string; readonly id: string }) => {
    sources.push(event.source);
    ids.push(event.id);
  };
  for (const operation of operations) {
    instants.add(operation.at);
    if (operation.op !== "settle" && operation.op !== "record") {
      names.add(operation.user);
      if (operation.op !== "reserve" || operation.source === undefined) continue;
      wantEvent({ source: operation.source, id: operation.id });
      wantEvent(partIdentity(operation.source, operation.id, 1));
      continue;
    }
    const { user, source, id, providerId } = operation.entry;
    names.add(user);
    if (operation.entry.occurredAt > operation.at) ahead.add(operation.entry.occurredAt);
    wantEvent({ source, id });
    // Whether the end or the first part of the call has counted its request already.
    if (operation.op === "settle") {
      const { part } = operation;
      if (part === undefined) wantEvent(partIdentity(source, id, 1));
      else if (part.number === 1) wantEvent({ source: part.source, id: part.hold });
    }
    if (providerId !== null) providerIds.push(providerId);
  }
  return { names: [...names], instants: [...instants], ahead: [...ahead], sources, ids, providerIds };
}

/** The days and months that run at some instants. */
export interface Windows {
  readonly days: readonly number[];
  readonly months: readonly number[];
}

function windowsAt(instants: readonly Instant[], config: Config): Windows {
  const zone = calendar(config.settings.time_zone);
  const days = new Set(instants.map((at) => zone.dayOf(at)));
  return { days: [...days], months: [...new Set([...days].map((day) => zone.dayToMonth(day)))] };
}

/** What a transaction is decided from. */
export interface Loaded {
  /** Guardrails whose total of a running window was never begun: what they have used is not in the state. */
  readonly unbegun: Guarded["unbegun"];
  readonly isCurrent: boolean;
}

/** What a batch is decided from. */
export interface LoadedState extends Loaded {
  readonly state: LedgerState;
}

/** One question for it: what to ask in one round trip, and what the answers come to. */
export interface Loading<L extends Loaded> {
  /** Everybody whom it concerns. */
  readonly userIds: readonly number[];
  readonly asked: readonly Asked[];
  read(answers: readonly Rows[]): L;
}

/** @param config has to know everybody who is wanted */
export function loading(wanted: Wanted, config: Config): Loading<LoadedState> {
  const named = new Map<string, number>();
  const users = new Map<number, KnownUser>();
  for (const name of wanted.names) {
    const user = config.users.get(name);
    if (!user) continue;
    named.set(name, user.id);
    users.set(user.id, user);
  }
  const { instants, ahead = [] } = wanted;
  const running = windowsAt(instants, config);
  const windows = ahead.length === 0 ? running : windowsAt([...instants, ...ahead], config);
  const hasGuardrails = config.guardrails.length > 0;
  const asked = [
    asksForUsage([...users.keys()], windows),
    ...(wanted.ids.length === 0 ? [] : [{ statement: EVENTS, values: [wanted.sources, wanted.ids] }]),
    ...(wanted.providerIds.length === 0 ? [] : [{ statement: PROVIDER_IDS, values: [wanted.providerIds] }]),
    ...(hasGuardrails ? [asksForGuardrails(config, running, Math.min(...instants))] : []),
  ];
  return {
    userIds: [...users.keys()],
    asked,
    read([usage = [], ...rest]) {
      const events = wanted.ids.length === 0 ? [] : (rest.shift() ?? []);
      const providerIds = wanted.providerIds.length === 0 ? [] : (rest.shift() ?? []);
      const guarded = hasGuardrails ? guardedOf(rest.shift() ?? [], config) : NOTHING_GUARDED;
      const { guardrails, systemHeld, unbegun, isCurrent } = guarded;
      const { settings, stops, ownPrices, sealedUntil } = config;
      const state = {
        settings,
        stops,
        ownPrices,
        sealedUntil,
        users: byName(named, metered(users, windows, usage)),
        knownEvents: new Map(events.map(({ source, id, hash }) => [eventKey(source, id), hash])),
        knownProviderIds: new Set(providerIds.map((row) => row.provider_id)),
        guardrails,
        systemHeld,
      };
      return { state, unbegun, isCurrent };
    },
  };
}

function asksForUsage(userIds: readonly number[], { days, months }: Windows): Asked {
  const ids: number[] = [];
  const periods: Period[] = [];
  const indexes: number[] = [];
  const add = (id: number, period: Period, index: number) => {
    ids.push(id);
    periods.push(period);
    indexes.push(index);
  };
  for (const id of userIds) {
    for (const day of days) add(id, "day", day);
    for (const month of months) add(id, "month", month);
  }
  return { statement: USED_AND_HELD, values: [numbers(ids), periods, numbers(indexes), numbers(userIds)] };
}

/** Everybody, with what they have used and hold. */
function metered(
  users: ReadonlyMap<number, KnownUser>,
  { days, months }: Windows,
  usage: Rows,
): Map<number, LedgerUser> {
  const keys = [
    ...days.map((day) => windowKey("day", day)),
    ...months.map((month) => windowKey("month", month)),
  ];
  const windows = new Map<number, Map<number, WindowUsage>>();
  const holds = new Map<number, Map<string, Hold>>();
  const all = new Map<number, LedgerUser>();
  for (const [userId, { id, key, status, tier, overrides, forgiven }] of users) {
    const unused = new Map<number, WindowUsage>();
    if (forgiven.size > 0) {
      for (const window of keys) {
        const amounts = forgiven.get(window);
        if (amounts !== undefined) unused.set(window, { ...NO_WINDOW_USAGE, forgiven: amounts });
      }
    }
    const held = new Map<string, Hold>();
    windows.set(userId, unused);
    holds.set(userId, held);
    all.set(userId, { id, key, status, tier, overrides, windows: unused, holds: held });
  }
  for (const row of usage) {
    const { user_id, period, window_index, tokens, images, cost, requests } = row;
    if (row.id !== null) {
      holds.get(user_id)?.set(row.id, holdOf(row));
      continue;
    }
    const key = windowKey(period, window_index);
    const forgiven = users.get(user_id)?.forgiven.get(key) ?? NO_WINDOW_USAGE.forgiven;
    windows.get(user_id)?.set(key, { used: { tokens, images, cost, requests }, forgiven });
  }
  return all;
}

function byName(
  named: ReadonlyMap<string, number>,
  users: ReadonlyMap<number, LedgerUser>,
): Map<string, LedgerUser> {
  return new Map([...named].map(([name, id]) => [name, users.get(id) as LedgerUser]));
}

function holdOf(row: Rows[number]): Hold {
  const { id, tokens, images, cost, requests, provider, model, feature, created_at, expires_at } = row;
  return {
    id,
    amounts: { tokens, images, cost, requests },
    kind: { provider, model, feature },
    createdAt: created_at,
    expiresAt: expires_at,
  };
}

// One statement for both: a question costs as much as many of its rows.
const USED_AND_HELD: Statement = {
  name: "alpha_used_and_held",
  text: `select user_id, period, window_index, tokens, images, cost, requests,
      null as id, null::bigint as created_at, null::bigint as expires_at,
      null as provider, null as model, null as feature
    from unnest($1::bigint[], $2::text[], $3::bigint[]) as wanted (user_id, period, window_index)
    join usage_window using (user_id, period, window_index)
    union all
    select hold.user_id, null, null, tokens, images, cost, requests, hold.id, created_at, expires_at,
      provider, model, feature
    from hold join call_kind on call_kind.id = hold.call_kind_id
    where hold.user_id = any($4::bigint[])`,
};

const EVENTS: Statement = {
  name: "alpha_events",
  text: `select event_source.name as source, event_key.id, event_key.hash
    from unnest($1::text[], $2::text[]) as wanted (source, id)
    join event_source on event_source.name = wanted.source
    cross join lateral (
      select id, hash from event_key where source_id = event_source.id and id = wanted.id limit 1
    ) as event_key`,
};

const PROVIDER_IDS: Statement = {
  name: "alpha_provider_ids",
  text: "select provider_id from event_key where provider_id = any($1::text[])",
};
