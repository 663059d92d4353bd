import { GUARDRAIL_ACTOR, type GuardrailState, tripReason } from "../../domain/guardrail.js";
import type { Changes } from "../../domain/ledger-model.js";
import type { CallKind } from "../../domain/usage.js";
import type { MeterState } from "./meter-state.js";
import type { MeterStatements } from "./meter-statements.js";

/** Writes what a batch changed, inside the transaction that is open. */
export class MeterSaver {
  readonly #kinds = new Map<string, number>();

  constructor(
    private readonly statements: MeterStatements,
    private readonly state: MeterState,
  ) {}

  /** After a rollback the numbers given out are not those in the database. */
  forget(): void {
    this.#kinds.clear();
  }

  save(changes: Changes): void {
    this.#saveEvents(changes);
    this.#saveSameEvents(changes);
    this.#saveTotals(changes);
    const { putHold, dropHold, addRefusals, addAlert } = this.statements;
    for (const { userId, id } of changes.holdsGone) dropHold.run(userId, id);
    for (const { userId, id, kind, amounts, createdAt, expiresAt } of changes.holdsPut) {
      const { tokens, images, cost, requests } = amounts;
      putHold.run(userId, id, this.#kindId(kind), tokens, images, cost, requests, createdAt, expiresAt);
    }
    for (const { userId, day, code, meter, count } of changes.refusals) {
      addRefusals.run(userId, day, code, meter, count);
    }
    for (const { kind, userId, period, index, meter, threshold, code, at } of changes.alerts) {
      addAlert.run(kind, userId, period, index, meter, threshold, code, at);
    }
  }

  /** A total is written whole: the state it was computed from was read in this transaction, or is still true in it. */
  saveGuardrails(states: readonly GuardrailState[], { guardrailUse, trips }: Changes): void {
    const { setGuardrailUsed, addTrip, addStop, addAudit, moveGeneration } = this.statements;
    for (const { guardrailId, index } of guardrailUse) {
      const state = states.find((each) => each.guardrail.id === guardrailId && each.index === index);
      setGuardrailUsed.run(guardrailId, index, state?.used);
    }
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

  #saveEvents({ events }: Changes): void {
    const { addEvent, addKey } = this.statements;
    for (const event of events) {
      const { lastInsertRowid } = addEvent.run(
        event.userId,
        this.#kindId(event),
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
      addKey.run(this.#sourceId(event.source), event.id, event.hash, lastInsertRowid, event.providerId);
    }
  }

  #saveSameEvents({ sameEvents }: Changes): void {
    for (const { source, id, hash, providerId } of sameEvents) {
      const event = this.statements.providerId.get(providerId);
      this.statements.addKey.run(this.#sourceId(source), id, hash, event, null);
    }
  }

  #saveTotals({ windows, days }: Changes): void {
    const { addToWindow, addToDay } = this.statements;
    for (const { userId, period, index, amounts } of windows) {
      addToWindow.run(userId, period, index, amounts.tokens, amounts.images, amounts.cost, amounts.requests);
    }
    for (const day of days) {
      addToDay.run(
        day.userId,
        day.day,
        this.#kindId(day),
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
  }

  #sourceId(name: string): number {
    const known = this.state.sourceId(name);
    if (known !== undefined) return known;
    return Number(this.statements.addSource.run(name).lastInsertRowid);
  }

  #kindId({ provider, model, feature }: CallKind): number {
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
