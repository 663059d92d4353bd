import type { Amounts } from "../../domain/meter.js";
import { moneyJson } from "../../domain/money.js";
import { dayLabel, formatInstant } from "../../domain/window.js";
import { limitJson } from "./quotas.js";
import { changedLimits, type KindView, type SimulationView, type TalliedUser, totalOf } from "./simulate.js";
import { tierJson } from "./tiers.js";

export function simulationJson(view: SimulationView) {
  const { before, after, range, zone, testers, live, recorded } = view;
  return {
    tier: before.key,
    since: range.from === Number.MIN_SAFE_INTEGER ? null : dayLabel(range.from),
    until: dayLabel(range.to),
    time_zone: zone,
    before: tierJson(before),
    after: tierJson(after),
    limits: changedLimits(view).map(({ meter, period, from, to }) => ({
      meter,
      period,
      before: limitJson(meter, from),
      after: limitJson(meter, to),
    })),
    testers,
    live: kindJson(live),
    recorded: kindJson(recorded),
  };
}

function kindJson({ users, refusals }: KindView) {
  return {
    ...talliedJson(totalOf(users)),
    users: users.map((user) => ({
      user: user.user.key,
      email: user.user.email,
      ...talliedJson(user),
      first_newly_refused_at: instantJson(user.refused.first),
      first_newly_let_through_at: instantJson(user.admitted.first),
    })),
    refusals: refusals.map(({ user, day, code, meter, was, would }) => ({
      user: user.key,
      day: dayLabel(day),
      code,
      meter: meter === "" ? null : meter,
      refused: was,
      would_be_refused: would,
    })),
  };
}

function talliedJson(tally: Omit<TalliedUser, "user">) {
  return {
    calls: tally.calls,
    refused: tally.refusedWas,
    would_be_refused: tally.refusedWould,
    newly_refused: tally.refused.calls,
    newly_let_through: tally.admitted.calls,
    saves: amountsJson(tally.refused.amounts),
    adds: amountsJson(tally.admitted.amounts),
    let_through_by_average: tally.guessed,
    refused_known_by_number_only: tally.onlyCounted,
  };
}

function amountsJson({ tokens, images, cost }: Readonly<Amounts>) {
  return { tokens, images, cost: moneyJson(cost) };
}

function instantJson(at: number | null): string | null {
  return at === null ? null : formatInstant(at);
}
