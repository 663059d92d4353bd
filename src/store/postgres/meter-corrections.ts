import {
  type CorrectionChanges,
  type CorrectionState,
  eventKey,
  type LedgerKey,
  type LedgerRow,
  type LedgerState,
  type Operation,
  type SameEvent,
} from "../../domain/ledger-model.js";
import { ledgerRowOf } from "../ledger-rows.js";
import { type Asked, numbers, type Rows, type Statement } from "./meter-client.js";
import type { Numbers } from "./meter-names.js";
import { ROW_ARRAYS, ROW_COLUMNS, rowValues } from "./meter-rows.js";

/** Asks in one round trip. */
type Ask = (asked: readonly Asked[]) => Promise<Rows[]>;

/** The state of a batch, with all that its corrections need; in two more round trips, where there are any. */
export async function withCorrections(
  state: LedgerState,
  operations: readonly Operation[],
  ask: Ask,
): Promise<LedgerState> {
  if (!operations.some(mayCorrect)) return state;
  const sources: string[] = [];
  const ids: string[] = [];
  const events = new Set<number>();
  const undone: number[] = [];
  for (const operation of operations) {
    if (operation.op === "correct") {
      const { event, correction } = operation;
      events.add(event);
      if (correction.to !== "undo") continue;
      undone.push(event);
      sources.push(correction.source);
      ids.push(correction.id);
    } else if (operation.op === "record" || operation.op === "settle") {
      const { supersedes, source, id } = operation.entry;
      if (supersedes !== true || !state.knownEvents.has(eventKey(source, id))) continue;
      sources.push(source);
      ids.push(id);
    }
  }
  const [found = [], metAgain = []] = await ask([
    { statement: KEYS, values: [sources, ids] },
    { statement: MET_AGAIN, values: [numbers(undone)] },
  ]);
  const keys = new Map<string, LedgerKey>();
  for (const row of [...found, ...metAgain]) {
    const key = keyOf(row);
    keys.set(eventKey(key.source, key.id), key);
  }
  for (const { event_id } of found) events.add(event_id);
  const [rows = []] = await ask([{ statement: ROWS, values: [numbers([...events])] }]);
  return { ...state, corrections: { keys, rows: byEvent(rows) } satisfies CorrectionState };
}

function mayCorrect(operation: Operation): boolean {
  if (operation.op === "record") return operation.entry.supersedes === true;
  return operation.op === "correct";
}

function keyOf({ source, id, hash, event_id, provider_id, import_id }: Rows[number]): LedgerKey {
  return { source, id, hash, event: event_id, providerId: provider_id, metAgainBy: import_id };
}

function byEvent(rows: Rows): Map<number, LedgerRow[]> {
  const events = new Map<number, LedgerRow[]>();
  for (const row of rows) {
    const event = row.corrects ?? row.id;
    const known = events.get(event);
    if (known === undefined) events.set(event, [ledgerRowOf(row)]);
    else known.push(ledgerRowOf(row));
  }
  return events;
}

/** What to ask to write what a batch corrects. */
export function savesCorrections(changes: CorrectionChanges, names: Numbers): Asked[] {
  const { rows, keysGone, keysChanged } = changes;
  const sourceIds = (keys: readonly LedgerKey[]) => numbers(keys.map(({ source }) => names.sourceId(source)));
  const asked: Asked[] = [];
  if (rows.length > 0) {
    const more = [
      numbers(rows.map(({ corrects }) => corrects)),
      numbers(rows.map(({ unpriced }) => unpriced)),
    ];
    asked.push({ statement: ADD_ROWS, values: [...rowValues(rows, names), ...more] });
  }
  if (keysGone.length > 0) {
    asked.push({ statement: DROP_KEYS, values: [sourceIds(keysGone), keysGone.map(({ id }) => id)] });
  }
  if (keysChanged.length > 0) {
    const values = [
      sourceIds(keysChanged),
      keysChanged.map(({ id }) => id),
      numbers(keysChanged.map(({ hash }) => hash)),
      keysChanged.map(({ providerId }) => providerId),
    ];
    asked.push({ statement: CHANGE_KEYS, values });
  }
  return asked;
}

/** What to ask to write identities under which events were met again. To be written after the events. */
export function savesSameEvents(sameEvents: readonly SameEvent[], names: Numbers): Asked[] {
  if (sameEvents.length === 0) return [];
  const values = [
    numbers(sameEvents.map(({ source }) => names.sourceId(source))),
    sameEvents.map(({ id }) => id),
    numbers(sameEvents.map(({ hash }) => hash)),
    sameEvents.map(({ providerId }) => providerId),
    numbers(sameEvents.map(({ importId }) => importId ?? LIVE)),
  ];
  return [{ statement: ADD_SAME_KEYS, values }];
}

/** Stands for live metering where an import met an event again. */
const LIVE = 0;

const KEY_COLUMNS =
  "event_source.name as source, event_key.id, event_key.hash, event_id, provider_id, import_id";

const KEYS: Statement = {
  name: "alpha_keys",
  text: `select ${KEY_COLUMNS}
    from unnest($1::text[], $2::text[]) as wanted (source, id)
    join event_source on event_source.name = wanted.source
    join event_key on event_key.source_id = event_source.id and event_key.id = wanted.id`,
};

const MET_AGAIN: Statement = {
  name: "alpha_met_again",
  text: `select ${KEY_COLUMNS}
    from event_key join event_source on event_source.id = event_key.source_id
    where event_id = any($1::bigint[]) and import_id is not null`,
};

// Two index scans: one condition over both columns would read the whole ledger.
const ROWS: Statement = {
  name: "alpha_rows",
  text: `select entered.*, call_kind.provider, call_kind.model, call_kind.feature
    from (
      select * from usage_event where id = any($1::bigint[])
      union all
      select * from usage_event where corrects = any($1::bigint[])
    ) as entered
    join call_kind on call_kind.id = entered.call_kind_id
    order by entered.id`,
};

const ADD_ROWS: Statement = {
  name: "alpha_add_rows",
  text: `insert into usage_event (${ROW_COLUMNS}, corrects, unpriced)
    select ${ROW_COLUMNS}, corrects, unpriced
    from unnest(${ROW_ARRAYS}, $18::bigint[], $19::bigint[]) with ordinality
      as correction (${ROW_COLUMNS}, corrects, unpriced, place)
    order by place`,
};

const DROP_KEYS: Statement = {
  name: "alpha_drop_keys",
  text: `delete from event_key using unnest($1::bigint[], $2::text[]) as gone (source_id, id)
    where event_key.source_id = gone.source_id and event_key.id = gone.id`,
};

const CHANGE_KEYS: Statement = {
  name: "alpha_change_keys",
  text: `update event_key set hash = changed.hash, provider_id = changed.provider_id
    from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) as changed (source_id, id, hash, provider_id)
    where event_key.source_id = changed.source_id and event_key.id = changed.id`,
};

const ADD_SAME_KEYS: Statement = {
  name: "alpha_add_same_keys",
  text: `insert into event_key (source_id, id, hash, event_id, import_id)
    select same.source_id, same.id, same.hash, known.event_id, same.import_id
    from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
      as same (source_id, id, hash, provider_id, import_id)
    join event_key as known on known.provider_id = same.provider_id
    order by same.source_id, same.id`,
};
