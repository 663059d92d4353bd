import type { Changes } from "../../domain/ledger-model.js";
import { MOST_REFUSED_CALLS } from "../../domain/refused-call.js";
import { type Asked, numbers, type Statement } from "./meter-client.js";
import type { Numbers } from "./meter-names.js";

/** What to ask to keep refused calls one by one; before the batch's refusals are counted. */
export function savesRefusedCalls({ refusedCalls: calls }: Changes, names: Numbers): Asked[] {
  if (calls.length === 0) return [];
  const values = [
    numbers(calls.map(({ userId }) => userId)),
    numbers(calls.map(({ day }) => day)),
    numbers(calls.map(({ at }) => at)),
    numbers(calls.map(({ kind }) => names.kindId(kind))),
    numbers(calls.map(({ statesAmounts }) => (statesAmounts ? 1 : 0))),
    numbers(calls.map(({ amounts }) => amounts.tokens)),
    numbers(calls.map(({ amounts }) => amounts.images)),
    numbers(calls.map(({ amounts }) => amounts.cost)),
    numbers(calls.map(({ amounts }) => amounts.requests)),
    calls.map(({ code }) => code),
    calls.map(({ meter }) => meter),
    calls.map(({ period }) => period),
    calls.map(({ seen }) => JSON.stringify(seen)),
    numbers(calls.map(({ before }) => before)),
    MOST_REFUSED_CALLS,
  ];
  return [{ statement: SAVE_REFUSED_CALLS, values }];
}

const COLUMNS = `user_id, day, at, call_kind_id, states_amounts, tokens, images, cost, requests,
      code, meter, period, seen`;

const SAVE_REFUSED_CALLS: Statement = {
  name: "alpha_save_refused_calls",
  text: `insert into refused_call (${COLUMNS})
    select ${COLUMNS}
    from unnest(
      $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
      $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[]
    ) with ordinality as refused (${COLUMNS}, before, place)
    where before + coalesce((
      select sum(count) from refusal where refusal.user_id = refused.user_id and refusal.day = refused.day
    ), 0) < $15::bigint
    order by place`,
};
