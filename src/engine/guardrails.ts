import type { Stop } from "../domain/emergency.js";
import { GUARDRAIL_ACTOR, type Guardrail, type GuardrailAction } from "../domain/guardrail.js";
import { type Meter, quotaName } from "../domain/meter.js";
import { calendar, type Instant, type Window } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import type { Reading } from "./ports.js";

/** What a guardrail watches; there is at most one of each. */
export type GuardrailName = Pick<Guardrail, "meter" | "period">;

/** A guardrail in the window that runs. */
export interface GuardrailStanding {
  readonly guardrail: Guardrail;
  readonly window: Window;
  /** What all testers settled in the window. */
  readonly used: bigint;
  /** What calls in progress hold. */
  readonly held: bigint;
  /** When it tripped in this window; `null`: it has not. */
  readonly trippedAt: Instant | null;
  /** Whether what it turned on then is on still. */
  readonly isOn: boolean;
}

export interface GuardrailsShown {
  readonly guardrails: readonly GuardrailStanding[];
  readonly timeZone: string;
}

export function showGuardrails(engine: Engine): Promise<GuardrailsShown> {
  return engine.store.read(async (tx) => ({
    guardrails: await guardrailStandings(tx, engine.now()),
    timeZone: (await tx.settings.current()).time_zone,
  }));
}

/** Every guardrail in force: cost before tokens, days before months. */
export async function guardrailStandings(tx: Reading, at: Instant): Promise<GuardrailStanding[]> {
  const guardrails = await tx.emergency.guardrails();
  if (guardrails.length === 0) return [];
  const zone = calendar((await tx.settings.current()).time_zone);
  const stops = await tx.emergency.active(at);
  const trips = await tx.emergency.trips();
  const held = [...(await tx.users.everyHeld(at)).values()];
  const standings: GuardrailStanding[] = [];
  for (const guardrail of guardrails) {
    const { id, meter, period } = guardrail;
    const window = zone.windowAt(period, at);
    const used = [...(await tx.users.everyWindowUsage(period, window.index)).values()];
    const trip = trips.find((each) => each.guardrailId === id && each.index === window.index);
    standings.push({
      guardrail,
      window,
      used: sumOf(used, meter),
      held: sumOf(held, meter),
      trippedAt: trip?.at ?? null,
      isOn: trip !== undefined && stops.some((stop) => isOf(stop, trip.at)),
    });
  }
  return standings.sort((a, b) => place(a.guardrail) - place(b.guardrail));
}

/** What audit entries about a guardrail are about. */
export function auditSubject(name: GuardrailName): string {
  return `guardrail:${quotaName(name)}`;
}

/** Whether a stop was turned on by what tripped at an instant. */
function isOf({ actor, since }: Stop, trippedAt: Instant): boolean {
  return actor === GUARDRAIL_ACTOR && since === trippedAt;
}

function place({ meter, period }: GuardrailName): number {
  return (meter === "cost" ? 0 : 2) + (period === "day" ? 0 : 1);
}

function sumOf(amounts: readonly Readonly<Record<Meter, number>>[], meter: Meter): bigint {
  return amounts.reduce((sum, each) => sum + BigInt(each[meter]), 0n);
}

export interface SetGuardrails {
  readonly limits: readonly (GuardrailName & {
    /** Of at least 1; nanos for cost. */
    readonly limit: number;
  })[];
  /** What is to happen when one is reached; left out, it stays as it was, and a new one stops every call. */
  readonly action?: GuardrailAction;
  readonly reason?: string;
}

export interface GuardrailChange {
  readonly before: Guardrail | null;
  readonly after: GuardrailStanding;
  readonly outcome: "set" | "changed" | "unchanged";
}

export interface GuardrailsSet {
  readonly changes: readonly GuardrailChange[];
  readonly timeZone: string;
}

/**
 * Sets limits on what all testers together may use. What is used already counts; with another limit a guardrail may trip
 * anew in a window in which it has.
 */
export async function setGuardrails(
  engine: Engine,
  input: SetGuardrails,
  options: ChangeOptions = {},
): Promise<GuardrailsSet> {
  const zero = input.limits.find(({ limit }) => limit < 1);
  if (zero !== undefined) {
    throw new AlphaError("usage", `a guardrail of 0 on ${quotaName(zero)} would stop the first call`, {
      hint: "to stop every call: alpha emergency-stop on; to end a guardrail: alpha guardrails clear",
    });
  }
  return engine.store.write(async (tx) => {
    const at = engine.now();
    const present = await tx.emergency.guardrails();
    const planned = input.limits.map((wanted) => {
      const before = present.find((each) => isSame(each, wanted)) ?? null;
      return { wanted, before, action: input.action ?? before?.action ?? "stop" };
    });
    const outcomes = planned.map(({ wanted, before, action }): GuardrailChange["outcome"] => {
      if (before === null) return "set";
      return before.limit === wanted.limit && before.action === action ? "unchanged" : "changed";
    });
    for (const [index, { wanted, before, action }] of planned.entries()) {
      if (outcomes[index] === "unchanged") continue;
      const { meter, period, limit } = wanted;
      await tx.emergency.setGuardrail({ meter, period, limit, action }, at);
      await audit(engine, tx, at, {
        action: "guardrails.set",
        subject: auditSubject(wanted),
        before: before === null ? null : auditedGuardrail(before),
        after: { limit, action },
        reason: input.reason?.trim() || null,
      });
    }
    const standings = await guardrailStandings(tx, at);
    const changes = planned.map(({ wanted, before }, index) => ({
      before,
      after: standings.find(({ guardrail }) => isSame(guardrail, wanted)) as GuardrailStanding,
      outcome: outcomes[index] as GuardrailChange["outcome"],
    }));
    return { changes, timeZone: (await tx.settings.current()).time_zone };
  }, options);
}

export interface ClearGuardrails {
  /** Empty: all that there are. */
  readonly names: readonly GuardrailName[];
  readonly reason?: string;
}

export interface GuardrailsCleared {
  readonly cleared: readonly Guardrail[];
  /** What guardrails have turned on and is on still: ending them does not lift it. */
  readonly stops: readonly Stop[];
}

/** Ends guardrails: nothing watches what they watched. */
export function clearGuardrails(
  engine: Engine,
  { names, reason }: ClearGuardrails,
  options: ChangeOptions = {},
): Promise<GuardrailsCleared> {
  return engine.store.write(async (tx) => {
    const at = engine.now();
    const present = (await tx.emergency.guardrails()).sort((a, b) => place(a) - place(b));
    const missing = names.find((name) => !present.some((each) => isSame(each, name)));
    if (missing !== undefined) throw noGuardrail(missing, present);
    const cleared = present.filter((each) => names.length === 0 || names.some((name) => isSame(each, name)));
    for (const guardrail of cleared) {
      await tx.emergency.clearGuardrail(guardrail.id, at);
      await audit(engine, tx, at, {
        action: "guardrails.clear",
        subject: auditSubject(guardrail),
        before: auditedGuardrail(guardrail),
        reason: reason?.trim() || null,
      });
    }
    const stops = (await tx.emergency.active(at)).filter((stop) => stop.actor === GUARDRAIL_ACTOR);
    return { cleared, stops };
  }, options);
}

function noGuardrail(name: GuardrailName, present: readonly Guardrail[]): AlphaError {
  const names = present.map(quotaName).join(", ");
  return new AlphaError("not-found", `there is no guardrail on ${quotaName(name)}`, {
    hint: names === "" ? "there is none at all; set one with: alpha guardrails set" : `there are: ${names}`,
  });
}

function isSame(a: GuardrailName, b: GuardrailName): boolean {
  return a.meter === b.meter && a.period === b.period;
}

function auditedGuardrail({ limit, action }: Guardrail) {
  return { limit, action };
}
