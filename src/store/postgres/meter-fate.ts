import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { Changes, LedgerEvent } from "../../domain/ledger-model.js";
import { postgresCode } from "./explain.js";
import {
  type Asked,
  ConnectionLost,
  MeterClient,
  numbers,
  type Rows,
  type Statement,
} from "./meter-client.js";
import type { Numbers } from "./meter-names.js";
import type { Patience } from "./meter-patience.js";

/** What of a transaction can be found again if it was committed. */
export interface Traces extends Pick<Changes, "holdsPut" | "holdsGone"> {
  readonly events: readonly Pick<LedgerEvent, "source" | "id">[];
}

/** A transaction that has asked to be committed, and what it wrote. */
export interface Sent {
  /** Its number. */
  readonly transaction: string;
  readonly traces: Traces;
  readonly names: Numbers;
}

/** Between two tries, in milliseconds. */
const PAUSE_MS = 20;

/**
 * What became of a transaction whose commit was not answered, asked for in the time that is left.
 * @returns `null` when nobody can say
 */
export async function fateOf(
  sent: Sent,
  pool: Pool,
  patience: Patience,
): Promise<"committed" | "aborted" | null> {
  for (;;) {
    let client: MeterClient | undefined;
    let isFit = false;
    try {
      // What fell silent may not have been the only connection: another may still answer.
      client = await MeterClient.borrow(pool, patience.firstSilenceMs);
      const asked = { statement: FATE, values: [sent.transaction] };
      const [[{ fate }]] = (await client.ask([asked], patience.firstSilenceMs)) as [Rows];
      if (fate === "committed") {
        const [[{ traces }]] = (await client.ask([asksForTraces(sent)], patience.firstSilenceMs)) as [Rows];
        isFit = true;
        return traces ? "committed" : "aborted";
      }
      isFit = true;
      // Until the server has noticed that the connection is gone it is in progress.
      if (fate !== "in progress") return fate;
    } catch (error) {
      if (postgresCode(error) === NOT_YET) return "aborted";
      if (!(error instanceof ConnectionLost)) return null;
    } finally {
      client?.giveBack(isFit);
    }
    if (patience.isSpent) return null;
    await delay(PAUSE_MS);
  }
}

const FATE: Statement = {
  name: "alpha_fate",
  text: "select pg_xact_status($1::text::xid8) as fate",
};

/*
 * A server that crashed, or another one that took over, gives the numbers of transactions of which nothing had reached
 * its disk to others. So the number may not be known yet, or be that of a transaction that committed later: whether it is
 * this one is told by what this one wrote.
 */

/** The server has not given that number yet. */
const NOT_YET = "22023";

function asksForTraces({ transaction, traces: { events, holdsPut, holdsGone }, names }: Sent): Asked {
  const values = [
    // Rows say which transaction wrote them by the lower half of its number.
    String(BigInt(transaction) % 2n ** 32n),
    numbers(events.map(({ source }) => names.sourceId(source))),
    events.map(({ id }) => id),
    numbers(holdsPut.map(({ userId }) => userId)),
    holdsPut.map(({ hold }) => hold.id),
    numbers(holdsGone.map(({ userId }) => userId)),
    holdsGone.map(({ id }) => id),
  ];
  return { statement: TRACES, values };
}

// Of what writes no row of its own, such as a refusal, the number has to do.
const TRACES: Statement = {
  name: "alpha_traces",
  text: `select case
      when cardinality($2::bigint[]) > 0 then exists (
        select from event_key join unnest($2::bigint[], $3::text[]) as entered (source_id, id) using (source_id, id)
        where event_key.xmin::text = $1
      )
      when cardinality($4::bigint[]) > 0 then exists (
        select from hold join unnest($4::bigint[], $5::text[]) as put (user_id, id) using (user_id, id)
        where hold.xmin::text = $1
      )
      else not exists (
        select from hold join unnest($6::bigint[], $7::text[]) as gone (user_id, id) using (user_id, id)
      )
    end as traces`,
};
