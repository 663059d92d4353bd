import type { WindowUsage } from "../domain/decide.js";
import { type Explanation, explain } from "../domain/explain.js";
import { type Guardrail, type GuardrailState, NOTHING_HELD, type SystemHeld } from "../domain/guardrail.js";
import { type Hold, type LedgerState, type LedgerUser, windowKey } from "../domain/ledger-model.js";
import { type Amounts, addAmounts, noAmounts, PERIODS, type Period } from "../domain/meter.js";
import type { Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { calendar, formatInstant, type Instant, monthLabel, type Window } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import { displayName, requireUser } from "./find.js";
import type { LimitsRequest } from "./live-usage.js";
import { momentOf } from "./moment.js";
import type { AsOf, DayRefusals, Forgiven, RulesInForce, UserInForce } from "./ports/history.js";
import type { Reading } from "./ports.js";
import { Preparing } from "./preparing.js";
import { requireRequest } from "./well-formed.js";

/** A guardrail, and what counts against it. */
export interface ExplainedGuardrail {
  readonly guardrail: Guardrail;
  readonly used: number;
  readonly held: number;
  readonly tripped: boolean;
}

export interface Explained {
  readonly user: User;
  readonly at: Instant;
  /** Whether it is told from what was recorded by then, and not from what is in force now. */
  readonly past: boolean;
  readonly timeZone: string;
  readonly tier: Tier;
  readonly status: UserInForce["status"];
  readonly since: UserInForce["since"];
  readonly windows: Readonly<Record<Period, Window>>;
  readonly forgiven: readonly Forgiven[];
  readonly refusals: DayRefusals;
  readonly guardrails: readonly ExplainedGuardrail[];
  readonly explanation: Explanation;
}

/**
 * Why a call of a user is decided as it is, now or at an instant of the past.
 * @param at a day or an instant, as `--at` has it; now when left out
 */
export async function explainUser(engine: Engine, request: LimitsRequest, at?: string): Promise<Explained> {
  requireRequest(request);
  const asOf = at === undefined ? null : await pastMoment(engine, at);
  const when = asOf ?? engine.now();
  const prepared = await new Preparing({ ...engine, now: () => when }, undefined).request(request);
  return engine.store.read(async (tx) => {
    const user = await requireUser(tx, request.user);
    const inForce = await tx.history.user(user.id, asOf);
    if (inForce === undefined) throw tooEarly(user);
    const rules = await tx.history.rules(asOf);
    const zone = calendar(rules.settings.time_zone);
    const windows = { day: zone.windowAt("day", when), month: zone.windowAt("month", when) };
    if (asOf !== null && (await tx.history.isSealed(windows.month.index))) throw sealed(windows.month);
    const { ledgerUser, forgiven } = await loadUser(tx, { user, inForce, windows, when, asOf });
    const guarded = await loadGuardrails(tx, rules, windows, when, asOf);
    const state: LedgerState = {
      ...rules,
      users: new Map([[user.key, ledgerUser]]),
      knownEvents: new Map(),
      knownProviderIds: new Set(),
      ...guarded,
    };
    return {
      user,
      at: when,
      past: asOf !== null,
      timeZone: zone.zone,
      tier: ledgerUser.tier,
      status: inForce.status,
      since: inForce.since,
      windows,
      forgiven,
      refusals: await tx.history.refusals(user.id, windows.day.index, asOf),
      guardrails: guarded.guardrails.map(({ guardrail, used, tripped }) => {
        return { guardrail, used, held: guarded.systemHeld[guardrail.meter], tripped };
      }),
      explanation: explain(state, ledgerUser, prepared, when),
    };
  });
}

async function pastMoment(engine: Engine, text: string): Promise<Instant> {
  const settings = await engine.store.read((tx) => tx.settings.current());
  const at = momentOf("--at", text, settings.time_zone);
  if (at <= engine.now()) return at;
  throw new AlphaError("usage", `--at ${formatInstant(at)} has not come yet`, {
    hint: "leave it out to explain what is decided now",
  });
}

function tooEarly(user: User): AlphaError {
  const added = formatInstant(user.createdAt);
  return new AlphaError("usage", `${displayName(user)} was not there yet: they were added at ${added}`, {
    hint: "give a later --at",
  });
}

function sealed({ index }: Window): AlphaError {
  const month = monthLabel(index);
  return new AlphaError(
    "conflict",
    `the events of ${month} were let go of, and with them what was used by then`,
    {
      hint: `see what the month came to with: alpha usage report --month ${month}`,
    },
  );
}

const NO_TIER: Tier = { key: "", label: "", rank: 1, quotas: [], features: [] };

interface Wanted {
  readonly user: User;
  readonly inForce: UserInForce;
  readonly windows: Readonly<Record<Period, Window>>;
  readonly when: Instant;
  readonly asOf: AsOf;
}

async function loadUser(
  tx: Reading,
  { user, inForce, windows, when, asOf }: Wanted,
): Promise<{ readonly ledgerUser: LedgerUser; readonly forgiven: readonly Forgiven[] }> {
  const loaded = new Map<number, WindowUsage>();
  const forgiven: Forgiven[] = [];
  for (const period of PERIODS) {
    const window = windows[period];
    const used = await tx.history.used(user.id, window, asOf);
    const inWindow = await tx.history.forgiven(user.id, window, asOf);
    forgiven.push(...inWindow);
    loaded.set(windowKey(period, window.index), { used, forgiven: sumOf(inWindow) });
  }
  const holds: readonly Hold[] =
    asOf === null ? await tx.holds.list({ userId: user.id }) : await tx.history.heldThen(user.id, when);
  const { tier, status, overrides } = inForce;
  return {
    forgiven,
    ledgerUser: {
      id: user.id,
      key: user.key,
      status,
      tier: tier ?? NO_TIER,
      overrides,
      windows: loaded,
      holds: new Map(holds.map((hold) => [hold.id, hold])),
    },
  };
}

function sumOf(forgiven: readonly Forgiven[]): Amounts {
  const sum = noAmounts();
  for (const { meter, amount } of forgiven) sum[meter] += amount;
  return sum;
}

async function loadGuardrails(
  tx: Reading,
  { guardrails }: RulesInForce,
  windows: Readonly<Record<Period, Window>>,
  when: Instant,
  asOf: AsOf,
): Promise<{ readonly guardrails: GuardrailState[]; readonly systemHeld: SystemHeld }> {
  if (guardrails.length === 0) return { guardrails: [], systemHeld: NOTHING_HELD };
  const states: GuardrailState[] = [];
  for (const guardrail of guardrails) {
    const window = windows[guardrail.period];
    states.push({ guardrail, index: window.index, ...(await tx.history.guarded(guardrail, window, asOf)) });
  }
  const holds: readonly Hold[] =
    asOf === null ? await tx.holds.list() : await tx.history.heldThen(null, when);
  const live = holds.filter((hold) => hold.expiresAt > when);
  const { tokens, cost } = live.map(({ amounts }) => amounts).reduce(addAmounts, noAmounts());
  return { guardrails: states, systemHeld: { tokens, cost, until: Number.POSITIVE_INFINITY } };
}
