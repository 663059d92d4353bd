import {
  correctionsBetween,
  difference,
  isLater,
  isNothing,
  isSameUsage,
  nothingOf,
  orderOf,
  type Standing,
  standingOf,
  standsAlike,
} from "./ledger-corrections.js";
import { rowOf } from "./ledger-event.js";
import {
  type CorrectionChanges,
  type CorrectionState,
  type CorrectionStatus,
  eventKey,
  type LedgerCorrection,
  type LedgerEvent,
  type LedgerKey,
  type LedgerRow,
  type Operation,
  UNKNOWN_CONTENT,
} from "./ledger-model.js";
import type { Price } from "./price-rule.js";
import { isSealed } from "./sealing.js";
import { unpricedOf } from "./total-deltas.js";
import { usedNothing } from "./usage.js";
import type { Calendar, Instant } from "./window.js";

type CorrectOperation = Extract<Operation, { op: "correct" }>;
type Undo = Extract<CorrectOperation["correction"], { to: "undo" }>;

/** What a correction came to. */
export interface Corrected<Status> {
  readonly status: Status;
  /** By what the totals move. */
  readonly rows: readonly LedgerRow[];
  /** The difference that they make together; `null` when there are none. */
  readonly net: LedgerRow | null;
}

type SupersedeStatus = "superseded" | "duplicate" | "conflict" | "sealed";

/** What the batch brings by itself, and is not in the ledger yet. */
interface Entered {
  readonly events: LedgerEvent[];
  /** Content hashes, by `eventKey`. */
  readonly hashes: Map<string, number>;
}

const NOTHING_KNOWN: CorrectionState = { keys: new Map(), rows: new Map() };

function none<Status>(status: Status): Corrected<Status> {
  return { status, rows: [], net: null };
}

/** Corrects events that are in the ledger, within one batch: the state loaded, and what the batch has corrected so far. */
export class BatchCorrections {
  readonly #state: CorrectionState;
  /** `null`: free again. */
  readonly #keys = new Map<string, LedgerKey | null>();
  readonly #rows = new Map<number, LedgerRow[]>();
  readonly #corrections: LedgerCorrection[] = [];
  /** By key: where the batch's own events stand that may yet be superseded. */
  readonly #supersedable = new Map<string, number>();
  readonly #freedProviderIds = new Set<string>();
  #metAgain: ReadonlyMap<number, readonly string[]> | null = null;

  constructor(
    state: CorrectionState | undefined,
    private readonly time: { readonly zone: Calendar; readonly sealedUntil: Instant | undefined },
    private readonly entered: Entered,
  ) {
    this.#state = state ?? NOTHING_KNOWN;
  }

  changes(): CorrectionChanges {
    const gone: LedgerKey[] = [];
    const changed: LedgerKey[] = [];
    for (const [name, key] of this.#keys) {
      if (key !== null) changed.push(key);
      else gone.push(this.#state.keys.get(name) as LedgerKey);
    }
    return { rows: this.#corrections, keysGone: gone, keysChanged: changed };
  }

  /** Whether the batch has freed an identity that the ledger knew. */
  isFree(name: string): boolean {
    return this.#keys.get(name) === null;
  }

  isFreeProviderId(providerId: string): boolean {
    return this.#freedProviderIds.has(providerId);
  }

  mayBeSuperseded(name: string, index: number): void {
    this.#supersedable.set(name, index);
  }

  /** Lets a record replace what its identity stands for, if it is the later of the two and the same user's. */
  supersede(name: string, next: LedgerEvent): Corrected<SupersedeStatus> {
    const index = this.#supersedable.get(name);
    if (index !== undefined) return this.#replace(name, index, next);
    const key = this.#key(name);
    // What was met again is told by who entered it; and what was pruned has nothing left to correct.
    const standing = key === undefined || key.metAgainBy !== null ? null : this.#standing(key.event);
    if (key === undefined || standing === null) return none("duplicate");
    if (standing.userId !== next.userId) return none("conflict");
    if (!isLater(orderOf(next, next.hash), orderOf(standing, key.hash))) return none("duplicate");
    if (isSealed(next.occurredAt, this.time.sealedUntil)) return none("sealed");
    this.#keys.set(name, { ...key, hash: next.hash });
    this.entered.hashes.set(name, next.hash);
    const to = { ...rowOf(next), unpriced: unpricedOf(next) };
    const { rows, net } = this.#enter(key.event, standing, to, next.importId, next.recordedAt);
    return { status: net === null ? "duplicate" : "superseded", rows, net };
  }

  /** What the batch itself brought is not in the ledger yet, and needs no correction there. A batch is of one import. */
  #replace(name: string, index: number, next: LedgerEvent): Corrected<SupersedeStatus> {
    const { events, hashes } = this.entered;
    const event = events[index] as LedgerEvent;
    if (event.userId !== next.userId) return none("conflict");
    if (!isLater(orderOf(next, next.hash), orderOf(event, event.hash))) return none("duplicate");
    if (isSealed(next.occurredAt, this.time.sealedUntil)) return none("sealed");
    hashes.set(name, next.hash);
    const { providerId, recordedAt, importId } = event;
    events[index] = { ...next, providerId, recordedAt, importId };
    const from = { ...event, unpriced: unpricedOf(event) };
    const to = { ...next, unpriced: unpricedOf(next) };
    if (standsAlike(from, to)) return none("duplicate");
    return {
      status: "superseded",
      rows: correctionsBetween(from, to, this.time.zone),
      net: difference(from, to),
    };
  }

  /** Gives an event the price that `priced` says of how it stands. */
  reprice(event: number, at: Instant, priced: (standing: Standing) => Price): Corrected<CorrectionStatus> {
    const standing = this.#standing(event);
    if (standing === null || isNothing(standing)) return none("unchanged");
    const found = priced(standing);
    // A cost that was stated is known; that no price covers the call, or none any more, makes it no less so.
    const price = found.pricedBy === "none" ? (this.#stated(event, standing) ?? found) : found;
    const unpriced = price.pricedBy === "none" && !usedNothing(standing) ? 1 : 0;
    const to = { ...standing, ...price, unpriced };
    // It belongs to whatever it prices: taken back together with it.
    const { importId } = this.#rowsOf(event).at(-1) as LedgerRow;
    return this.#enter(event, standing, to, importId, at);
  }

  /** The cost that the record states by which an event stands, whatever has priced it since; `null`: it states none. */
  #stated(event: number, standing: Standing): Price | null {
    const rows = this.#rowsOf(event);
    for (let end = rows.length; end > 0; end -= 1) {
      const before = standingOf(rows.slice(0, end)) as Standing;
      if (before.pricedBy !== "log" || !isSameUsage(before, standing)) continue;
      return { cost: before.cost, assumed: 0, pricedBy: "log" };
    }
    return null;
  }

  undo(event: number, at: Instant, undo: Undo): Corrected<CorrectionStatus> {
    const { source, id, importId } = undo;
    const name = eventKey(source, id);
    const key = this.#key(name);
    const standing = this.#standing(event);
    if (key === undefined || key.event !== event || standing === null) return none("unchanged");
    const isOwn = key.metAgainBy === null;
    if (isOwn && standing.importId !== importId) return this.#undoSuperseding(name, key, standing, at, undo);
    if (!isOwn && key.metAgainBy !== importId) return none("unchanged");
    this.#keys.set(name, null);
    // One identity of an event has the provider's id. While another one has it, the event is that one's.
    if (!isOwn && key.providerId === null) return none("unchanged");
    if (key.providerId !== null) {
      const witness = this.#witness(event, importId);
      if (witness !== undefined) {
        this.#keys.set(eventKey(witness.source, witness.id), { ...witness, providerId: key.providerId });
        return none("kept");
      }
      this.#freedProviderIds.add(key.providerId);
    }
    return this.#enter(event, standing, nothingOf(standing), importId, at);
  }

  /** Another import's event stands again as it did before this one, and whatever was undone before, superseded it. */
  #undoSuperseding(
    name: string,
    key: LedgerKey,
    standing: Standing,
    at: Instant,
    { importId, undone }: Undo,
  ): Corrected<CorrectionStatus> {
    const rows = this.#rowsOf(key.event);
    const isTakenBack = ({ importId: by }: LedgerRow) => by !== null && (by === importId || undone.has(by));
    let end = rows.length;
    while (end > 1 && isTakenBack(rows[end - 1] as LedgerRow)) end -= 1;
    const before = standingOf(rows.slice(0, end)) as Standing;
    // What stands now is what that row's import brought.
    const { importId: by } = rows[end - 1] as LedgerRow;
    const corrected = this.#enter(key.event, standing, before, by, at);
    if (corrected.net !== null) this.#keys.set(name, { ...key, hash: UNKNOWN_CONTENT });
    return corrected;
  }

  /** The first of the other identities under which somebody else met the event again. */
  #witness(event: number, importId: number): LedgerKey | undefined {
    this.#metAgain ??= namesByEvent(this.#state.keys);
    for (const name of this.#metAgain.get(event) ?? []) {
      const key = this.#key(name);
      if (key !== undefined && key.metAgainBy !== importId) return key;
    }
    return undefined;
  }

  #enter(
    event: number,
    from: Standing,
    to: Standing,
    importId: number | null,
    recordedAt: Instant,
  ): Corrected<"corrected" | "unchanged"> {
    if (standsAlike(from, to)) return none("unchanged");
    const rows = correctionsBetween(from, to, this.time.zone).map((row) => ({
      ...row,
      importId,
      recordedAt,
    }));
    this.#corrections.push(...rows.map((row) => ({ ...row, corrects: event })));
    this.#rows.set(event, [...this.#rowsOf(event), ...rows]);
    return { status: "corrected", rows, net: { ...difference(from, to), importId, recordedAt } };
  }

  #key(name: string): LedgerKey | undefined {
    const changed = this.#keys.get(name);
    return changed === undefined ? this.#state.keys.get(name) : (changed ?? undefined);
  }

  /** Without those in sealed months, which are gone or about to go. */
  #rowsOf(event: number): readonly LedgerRow[] {
    const rows = this.#rows.get(event) ?? this.#state.rows.get(event) ?? [];
    const { sealedUntil } = this.time;
    return sealedUntil === undefined
      ? rows
      : rows.filter(({ occurredAt }) => !isSealed(occurredAt, sealedUntil));
  }

  #standing(event: number): Standing | null {
    return standingOf(this.#rowsOf(event));
  }
}

/** The identities under which events were met again, in an order of their own. */
function namesByEvent(keys: CorrectionState["keys"]): Map<number, string[]> {
  const names = new Map<number, string[]>();
  for (const name of [...keys.keys()].sort()) {
    const { event, metAgainBy } = keys.get(name) as LedgerKey;
    if (metAgainBy === null) continue;
    names.set(event, [...(names.get(event) ?? []), name]);
  }
  return names;
}
