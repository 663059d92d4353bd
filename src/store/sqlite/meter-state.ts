import type { Kysely } from "kysely";
import { NO_WINDOW_USAGE, type WindowUsage } from "../../domain/decide.js";
import type { Stop } from "../../domain/emergency.js";
import {
  type Guardrail,
  type GuardrailState,
  NOTHING_HELD,
  type SystemHeld,
  stopOfTrip,
} from "../../domain/guardrail.js";
import {
  type EventIdentity,
  eventKey,
  type Hold,
  type LedgerResult,
  type LedgerState,
  type LedgerUser,
  partIdentity,
  windowKey,
} from "../../domain/ledger-model.js";
import { type Amounts, noAmounts, type Period } from "../../domain/meter.js";
import type { OwnPrices } from "../../domain/own-prices.js";
import type { Settings } from "../../domain/settings.js";
import type { Tier } from "../../domain/tier.js";
import { lookupNames } from "../../domain/user.js";
import { calendar, type Instant } from "../../domain/window.js";
import { loadGuardrails, loadStops } from "../emergency.js";
import type { LastSeenMemory } from "../last-seen.js";
import { overrideOf } from "../override-row.js";
import { loadOwnPrices } from "../prices.js";
import type { Schema } from "../schema.js";
import { loadSealedUntil } from "../sealing.js";
import { loadSettings } from "../settings.js";
import { loadTiers } from "../tiers.js";
import type { MeterStatements } from "./meter-statements.js";

/** What decides and changes only when an operator changes it. */
interface Config {
  readonly generation: number;
  readonly settings: Settings;
  readonly stops: readonly Stop[];
  readonly guardrails: readonly Guardrail[];
  readonly ownPrices: OwnPrices | null;
  readonly sealedUntil: Instant | undefined;
  readonly tiers: ReadonlyMap<number, Tier>;
  /** By the name they were asked for under. */
  readonly users: Map<string, KnownUser | null>;
}

interface KnownUser extends Omit<LedgerUser, "windows" | "holds"> {
  readonly forgiven: ReadonlyMap<number, Amounts>;
}

/** Users remembered at most; beyond it they are all forgotten and read again. */
const MOST_USERS = 30_000;

/** A user that a batch concerns, and the instant for whose windows. */
export interface Wanted {
  readonly name: string;
  readonly at: Instant;
  /** A later one, for whose windows as well: usage may be dated ahead. */
  readonly ahead?: Instant;
  /** The event that it brings, or that it must not find. */
  readonly event?: EventName;
  /** The call that the event is the end of, or a part of, or that is asked for; others of its events may be there. */
  readonly call?: Call;
}

interface Call {
  readonly source: string;
  readonly id: string;
  /** What the event is of it: nothing where the call is only asked for. */
  readonly brings: "end" | "first part" | "later part" | "nothing";
}

/** An event, as far as it may be in the ledger already. */
type EventName = Pick<EventIdentity, "source" | "id" | "providerId">;

/**
 * What a batch is decided from, remembered between batches as long as it is provably what the database says.
 * `PRAGMA data_version` moves when another connection has committed; this connection's own commits are known. When it
 * has moved, totals and holds are read again; when the generation has moved too, so is everything that decides.
 */
export class MeterState {
  #config: Config | null = null;
  /** With totals and holds as they were at the version that is remembered. */
  #metered = new Map<number, LedgerUser>();
  #guarded = new Map<string, GuardrailState>();
  #systemHeld: SystemHeld | null = null;
  /** The instant as of which what all hold was read. */
  #heldFrom: Instant = 0;
  #version: number | undefined;
  readonly #sources = new Map<string, number>();

  constructor(
    private readonly db: Kysely<Schema>,
    private readonly statements: MeterStatements,
    private readonly seen: LastSeenMemory,
  ) {}

  /** Whether nobody else has committed since the state was last brought up to date. Opens no transaction. */
  isUntouched(): boolean {
    return this.#config !== null && this.#version === this.statements.dataVersion.get();
  }

  /** To be called inside a transaction, before `load`. */
  bringUpToDate(): "current" | "refresh" {
    const version = this.statements.dataVersion.get();
    if (this.#config === null) return "refresh";
    if (version !== this.#version) {
      if (this.#config.generation !== this.statements.generation.get()) return "refresh";
      this.#forgetUsage();
      this.#version = version;
    }
    return "current";
  }

  /** Reads tiers, stops and settings anew and forgets every user. To be called inside a transaction. */
  async refresh(): Promise<void> {
    this.#version = this.statements.dataVersion.get();
    const generation = this.statements.generation.get() as number;
    const settings = await loadSettings(this.db);
    const stops = await loadStops(this.db);
    const tiers = new Map((await loadTiers(this.db)).map(({ id, tier }) => [id, tier]));
    const guardrails = await loadGuardrails(this.db);
    const ownPrices = await loadOwnPrices(this.db);
    const sealedUntil = await loadSealedUntil(this.db, settings);
    const users = new Map();
    this.#config = { generation, settings, stops, guardrails, ownPrices, sealedUntil, tiers, users };
    this.seen.config(settings, stops, ownPrices);
    this.#forgetUsage();
  }

  /** After a rollback nothing that was read or written counts. */
  forget(): void {
    this.#config = null;
    this.#forgetUsage();
    this.#sources.clear();
  }

  /** Their totals were changed without having been loaded. */
  forgetUsageOf(users: Iterable<number>): void {
    for (const id of users) this.#metered.delete(id);
  }

  #forgetUsage(): void {
    this.#metered.clear();
    this.#guarded.clear();
    this.#systemHeld = null;
  }

  get config(): Config {
    if (this.#config === null) throw new Error("the state was not refreshed");
    return this.#config;
  }

  /**
   * Loads what is not remembered; to be called inside a transaction.
   * @param trusting takes what a live hold waits for as not settled yet, without looking. Where that is wrong, since
   * usage was recorded under the id of a reservation, the key of its event cannot be written twice.
   */
  load(wanted: readonly Wanted[], trusting: boolean): LedgerState {
    const { settings, stops, ownPrices, sealedUntil } = this.config;
    const users = new Map<string, LedgerUser>();
    const knownEvents = new Map<string, number>();
    const knownProviderIds = new Set<string>();
    for (const { name, at, ahead, event, call } of wanted) {
      let user = this.#metering(name, at, true) ?? undefined;
      if (ahead !== undefined) user = this.#metering(name, ahead, true) ?? undefined;
      if (user !== undefined) users.set(name, user);
      // Also for nobody: a preview may take the name for somebody who is to be onboarded.
      if (event === undefined) continue;
      const { source, id, providerId } = event;
      const ended = call?.brings === "end" ? user?.holds.get(call.id) : undefined;
      const lives = ended !== undefined && ended.expiresAt > at;
      if (!(lives && trusting)) this.#findEvent(source, id, knownEvents);
      // A live hold tells its end by itself whether the request was counted.
      if (call !== undefined && !lives) this.#findOthersOf(call, knownEvents);
      if (providerId !== null && this.statements.providerId.get(providerId) !== undefined) {
        knownProviderIds.add(providerId);
      }
    }
    // One user under two names has one set of windows: what was read last has all of them.
    if (users.size > 1) {
      for (const [name, user] of users) users.set(name, this.#metered.get(user.id) ?? user);
    }
    const { guardrails, systemHeld } = this.#guardrailsAt(wanted);
    const known = { users, knownEvents, knownProviderIds };
    return { settings, stops, ownPrices, sealedUntil, ...known, guardrails, systemHeld };
  }

  /** Its end, or its first part: either may have counted its request. */
  #findOthersOf({ source, id, brings }: Call, known: Map<string, number>): void {
    if (brings === "later part") return;
    const other = brings === "first part" ? { source, id } : partIdentity(source, id, 1);
    this.#findEvent(other.source, other.id, known);
  }

  #findEvent(source: string, id: string, known: Map<string, number>): void {
    const sourceId = this.sourceId(source);
    const hash = sourceId === undefined ? undefined : this.statements.event.get(sourceId, id);
    if (hash !== undefined) known.set(eventKey(source, id), hash);
  }

  /** A user from memory alone: `null` for nobody, `undefined` when something would have to be read. */
  remembered(name: string, at: Instant): LedgerUser | null | undefined {
    // Guardrails are read anew at every check: whoever sets one asks for all of it to be looked at.
    return this.config.guardrails.length > 0 ? undefined : this.#metering(name, at, false);
  }

  /** Remembers what a committed batch left. */
  keep({ users, guardrails, systemHeld, changes }: LedgerResult): void {
    // A trip has changed what decides, by this connection's own hand, which moves no version.
    if (changes.trips.length > 0) {
      for (const stop of changes.trips.map(stopOfTrip)) if (stop !== undefined) this.seen.stop(stop);
      this.forget();
      return;
    }
    for (const user of users) this.#metered.set(user.id, user);
    for (const state of guardrails) this.#guarded.set(guardedKey(state.guardrail, state.index), state);
    if (guardrails.length > 0) this.#systemHeld = systemHeld;
  }

  /** The guardrails in the windows that run at the given instants, and what is held against them. */
  #guardrailsAt(wanted: readonly Wanted[]): Pick<LedgerState, "guardrails" | "systemHeld"> {
    const { guardrails, settings } = this.config;
    if (guardrails.length === 0) return { guardrails: [], systemHeld: NOTHING_HELD };
    const zone = calendar(settings.time_zone);
    const states = new Map<string, GuardrailState>();
    for (const { at } of wanted) {
      for (const guardrail of guardrails) {
        const { index } = zone.windowAt(guardrail.period, at);
        const key = guardedKey(guardrail, index);
        if (!states.has(key)) states.set(key, this.#guardrailState(guardrail, index));
      }
    }
    const instants = wanted.map(({ at }) => at);
    const [earliest, latest] = [Math.min(...instants), Math.max(...instants)];
    // As the first call sees it: what runs out before the last one is still in the sum when an earlier one drops it.
    if (this.#systemHeld === null || earliest < this.#heldFrom || latest >= this.#systemHeld.until) {
      const { tokens, cost, until } = this.statements.systemHeld.get(earliest) ?? {};
      this.#systemHeld = { tokens: tokens ?? 0, cost: cost ?? 0, until: until ?? Number.POSITIVE_INFINITY };
      this.#heldFrom = earliest;
    }
    return { guardrails: [...states.values()], systemHeld: this.#systemHeld };
  }

  #guardrailState(guardrail: Guardrail, index: number): GuardrailState {
    const known = this.#guarded.get(guardedKey(guardrail, index));
    if (known !== undefined) return known;
    const { id, meter, period } = guardrail;
    const used =
      this.statements.guardrailUsed.get(id, index) ??
      this.statements.systemUsed.get(period, index)?.[meter] ??
      0;
    const tripped = this.statements.guardrailTripped.get(id, index) !== undefined;
    const state = { guardrail, index, used, tripped };
    this.#guarded.set(guardedKey(guardrail, index), state);
    return state;
  }

  /** Its total was changed without having been loaded. */
  forgetGuardrail(guardrail: Guardrail, index: number): void {
    this.#guarded.delete(guardedKey(guardrail, index));
  }

  /** The number of a source; `undefined` when no event came from it yet. */
  sourceId(name: string): number | undefined {
    const remembered = this.#sources.get(name);
    if (remembered !== undefined) return remembered;
    const id = this.statements.findSource.get(name);
    if (id !== undefined) this.#sources.set(name, id);
    return id;
  }

  /** The user of a name with the windows of an instant: `null` for nobody, `undefined` when it may not be read. */
  #metering(name: string, at: Instant, read: boolean): LedgerUser | null | undefined {
    const { users, settings } = this.config;
    const known = read ? this.#knownUser(name) : users.get(name);
    if (known === undefined || known === null) return known;
    const zone = calendar(settings.time_zone);
    const day = zone.dayOf(at);
    const month = zone.dayToMonth(day);
    const user = this.#metered.get(known.id);
    if (user?.windows.has(windowKey("day", day)) && user.windows.has(windowKey("month", month))) return user;
    if (!read) return undefined;
    if (this.#metered.size >= MOST_USERS) this.#metered.clear();
    const windows = new Map(user?.windows);
    windows.set(windowKey("day", day), this.#window(known, "day", day));
    windows.set(windowKey("month", month), this.#window(known, "month", month));
    const { id, key, status, tier, overrides } = known;
    const holds = user?.holds ?? this.#holds(id);
    const metered = { id, key, status, tier, overrides, windows, holds };
    this.#metered.set(known.id, metered);
    return metered;
  }

  /** The number of a user by any of their names: `null` for nobody. To be called inside a transaction. */
  userId(name: string): number | null {
    return this.#knownUser(name)?.id ?? null;
  }

  #knownUser(name: string): KnownUser | null {
    const { users } = this.config;
    let known = users.get(name);
    if (known === undefined) {
      if (users.size >= MOST_USERS) users.clear();
      known = this.#readUser(name);
      this.seen.user(name, known);
      users.set(name, known);
      // Calls are settled under the id.
      if (known !== null) users.set(known.key, known);
    }
    return known;
  }

  #readUser(name: string): KnownUser | null {
    const row = lookupNames(name)
      .map((spelling) => this.statements.user.get(spelling))
      .find((found) => found !== undefined);
    if (row === undefined) return null;
    // Only who was removed may have been left on a tier that was removed since; late usage still counts.
    const tier = this.config.tiers.get(row.tier_id) ?? (row.status === "removed" ? NO_TIER : undefined);
    if (tier === undefined) throw new Error(`user ${row.id} is on a tier that does not exist`);
    const forgiven = new Map<number, Amounts>();
    for (const { period, window_index, meter, amount } of this.statements.forgiveness.all(row.id)) {
      const key = windowKey(period, window_index);
      const amounts = forgiven.get(key) ?? noAmounts();
      amounts[meter] += amount;
      forgiven.set(key, amounts);
    }
    return {
      id: row.id,
      key: row.key,
      status: row.status,
      tier,
      overrides: this.statements.overrides.all(row.id).map(overrideOf),
      forgiven,
    };
  }

  #holds(userId: number): Map<string, Hold> {
    const holds = new Map<string, Hold>();
    for (const row of this.statements.holds.all(userId)) {
      const { id, tokens, images, cost, requests, provider, model, feature } = row;
      holds.set(id, {
        id,
        amounts: { tokens, images, cost, requests },
        kind: { provider, model, feature },
        createdAt: row.created_at,
        expiresAt: row.expires_at,
      });
    }
    return holds;
  }

  #window(user: KnownUser, period: Period, index: number): WindowUsage {
    const used = this.statements.window.get(user.id, period, index);
    const forgiven = user.forgiven.get(windowKey(period, index));
    return { used: used ?? NO_WINDOW_USAGE.used, forgiven: forgiven ?? NO_WINDOW_USAGE.forgiven };
  }
}

const NO_TIER: Tier = { key: "", label: "", rank: 1, quotas: [], features: [] };
function guardedKey(guardrail: Guardrail, index: number): string {
  return `${guardrail.id}/${index}`;
}
