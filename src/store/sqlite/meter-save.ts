import { writingOrder } from "../../domain/alert.js";
import { GUARDRAIL_ACTOR, type GuardrailState, tripReason } from "../../domain/guardrail.js";
import { expiredBefore } from "../../domain/ledger-event.js";
import type { Changes } from "../../domain/ledger-model.js";
import type { CallKind } from "../../domain/usage.js";
import type { MeterCorrections } from "./meter-corrections.js";
import type { MeterRefusals } from "./meter-refusals.js";
import type { MeterState } from "./meter-state.js";
import type { MeterStatements } from "./meter-statements.js";

const NOTHING_ASKED = { tokens: null, images: null, cost: null };

/** Writes what a batch changed, inside the transaction that is open. */
export class MeterSaver {
  readonly #kinds = new Map<string, number>();

  constructor(
    private readonly statements: MeterStatements,
    private readonly state: MeterState,
    private readonly corrections: MeterCorrections,
    private readonly refusals: MeterRefusals,
  ) {}

  /** After a rollback the numbers given out are not those in the database. */
  forget(): void {
    this.#kinds.clear();
  }

  save(changes: Changes): void {
    if (changes.corrections !== undefined) {
      this.corrections.save(changes.corrections, {
        sourceId: (name) => this.state.sourceId(name),
        kindId: (kind) => this.kindId(kind),
      });
    }
    this.#saveEvents(changes);
    this.#saveSameEvents(changes);
    this.saveWindows(changes.windows);
    this.#saveDays(changes.days);
    this.#saveHolds(changes);
    const { refusedCalls } = changes;
    if (refusedCalls.length > 0) this.refusals.save(refusedCalls, (kind) => this.kindId(kind));
    for (const { userId, day, code, meter, count } of changes.refusals) {
      this.statements.addRefusals.run(userId, day, code, meter, count);
    }
    this.saveAlerts(changes.alerts);
  }

  /** Those that are not there already. */
  saveAlerts(alerts: Changes["alerts"]): void {
    if (alerts.length === 0) return;
    for (const { kind, userId, period, index, meter, threshold, code, at } of writingOrder(alerts)) {
      this.statements.addAlert.run(kind, userId, period, index, meter, threshold, code, at);
    }
  }

  /** A total is written whole: the state it was computed from was read in this transaction, or is still true in it. */
  saveGuardrails(states: readonly GuardrailState[], { guardrailUse, trips, windows }: Changes): void {
    const { setGuardrailUsed, sumGuardrailUsed, addTrip, addStop, addAudit, moveGeneration } =
      this.statements;
    for (const { guardrailId, index } of guardrailUse) {
      const state = states.find((each) => each.guardrail.id === guardrailId && each.index === index);
      setGuardrailUsed.run(guardrailId, index, state?.used);
      if (state !== undefined && !Number.isSafeInteger(state.used)) {
        const { meter, period } = state.guardrail;
        sumGuardrailUsed.run(meter, period, guardrailId, index);
      }
    }
    this.#growClosedWindows(states, windows);
    for (const trip of trips) {
      const { guardrail, index, at } = trip;
      const { id, meter, period, action } = guardrail;
      const reason = tripReason(trip);
      addTrip.run(id, index, at);
      if (action !== "alert") addStop.run(action, reason, GUARDRAIL_ACTOR, id, at);
      const after = JSON.stringify({ action, limit: guardrail.limit });
      addAudit.run(at, GUARDRAIL_ACTOR, "guardrails.trip", `guardrail:${meter}/${period}`, after, reason);
      moveGeneration.run(1);
    }
  }

  /** Late usage: a window that no longer runs is not loaded, and has a total only if it once ran under the guardrail. */
  #growClosedWindows(states: readonly GuardrailState[], windows: Changes["windows"]): void {
    const guardrails = new Map(states.map(({ guardrail }) => [guardrail.id, guardrail]));
    for (const guardrail of guardrails.values()) {
      for (const { period, index, amounts } of windows) {
        const amount = amounts[guardrail.meter];
        if (period !== guardrail.period || amount === 0) continue;
        if (states.some((state) => state.guardrail.id === guardrail.id && state.index === index)) continue;
        this.statements.growGuardrailUsed.run(amount, guardrail.id, index);
        this.state.forgetGuardrail(guardrail, index);
      }
    }
  }

  #saveHolds({ holdsGone, holdsPut }: Changes): void {
    for (const { userId, id } of holdsGone) this.statements.dropHold.run(userId, id);
    const rows: unknown[] = [];
    for (const { userId, hold } of holdsPut) {
      const { id, kind, amounts, createdAt, expiresAt } = hold;
      const { tokens, images, cost, requests } = amounts;
      rows.push(userId, id, this.kindId(kind), tokens, images, cost, requests, createdAt, expiresAt);
    }
    this.statements.holdsPut.write(rows);
  }

  #saveEvents({ events }: Changes): void {
    if (events.length === 0) return;
    // Usage that is only recorded does not pay for what it cannot have.
    const someReserved = events.some(({ reserved, part }) => reserved !== null || part !== null);
    const rows: unknown[] = [];
    for (const event of events) {
      rows.push(
        event.userId,
        this.kindId(event),
        event.occurredAt,
        event.recordedAt,
        event.input,
        event.cacheRead,
        event.cacheWrite,
        event.output,
        event.reasoning,
        event.images,
        event.requests,
        event.cost,
        event.assumed,
        event.pricedBy,
        event.status === "ok" ? null : event.status,
        event.estimated ? 1 : null,
        event.importId,
      );
      if (!someReserved) continue;
      const { tokens, images, cost } = event.reserved?.amounts ?? NOTHING_ASKED;
      rows.push(event.reserved?.createdAt ?? null, tokens, images, cost, event.part, expiredBefore(event));
    }
    const writer = someReserved ? this.statements.reservedEvents : this.statements.events;
    const first = writer.write(rows) - events.length + 1;
    const keys: unknown[] = [];
    for (const [index, { source, id, hash, providerId }] of events.entries()) {
      keys.push(this.sourceId(source), id, hash, first + index, providerId);
    }
    this.statements.keys.write(keys);
  }

  #saveSameEvents({ sameEvents }: Changes): void {
    for (const same of sameEvents) {
      const event = this.statements.providerId.get(same.providerId);
      this.corrections.saveSameEvent(same, this.sourceId(same.source), event);
    }
  }

  saveWindows(windows: Changes["windows"]): void {
    const rows: unknown[] = [];
    for (const { userId, period, index, amounts } of windows) {
      const { tokens, images, cost, requests } = amounts;
      rows.push(userId, period, index, tokens, images, cost, requests);
    }
    this.statements.windows.write(rows);
  }

  #saveDays(days: Changes["days"]): void {
    const dayRows: unknown[] = [];
    for (const day of days) {
      dayRows.push(
        day.userId,
        day.day,
        this.kindId(day),
        day.input,
        day.cacheRead,
        day.cacheWrite,
        day.output,
        day.reasoning,
        day.images,
        day.requests,
        day.cost,
        day.assumed,
        day.unpriced,
      );
    }
    this.statements.days.write(dayRows);
  }

  /** The number of a source, which is given one when it has none. */
  sourceId(name: string): number {
    const known = this.state.sourceId(name);
    if (known !== undefined) return known;
    return Number(this.statements.addSource.run(name).lastInsertRowid);
  }

  /** The number of a kind of call, which is given one when it has none. */
  kindId({ provider, model, feature }: CallKind): number {
    const key = `${provider}\n${model}\n${feature}`;
    let id = this.#kinds.get(key);
    if (id === undefined) {
      id =
        this.statements.findKind.get(provider, model, feature) ??
        Number(this.statements.addKind.run(provider, model, feature).lastInsertRowid);
      this.#kinds.set(key, id);
    }
    return id;
  }
}
