import type { Kysely } from "kysely";
import { NO_WINDOW_USAGE, type WindowUsage } from "../../domain/decide.js";
import type { Stop } from "../../domain/emergency.js";
import type { Override } from "../../domain/entitlement.js";
import {
  eventKey,
  type Hold,
  type LedgerState,
  type LedgerUser,
  windowKey,
} from "../../domain/ledger-model.js";
import { type Amounts, noAmounts, type Period } from "../../domain/meter.js";
import type { Settings } from "../../domain/settings.js";
import type { Tier } from "../../domain/tier.js";
import { lookupNames } from "../../domain/user.js";
import { calendar, type Instant } from "../../domain/window.js";
import { loadStops } from "../emergency.js";
import type { Schema } from "../schema.js";
import { loadSettings } from "../settings.js";
import { loadTiers } from "../tiers.js";
import { overrideOf } from "../users.js";
import type { MeterStatements } from "./meter-statements.js";

/** What decides and changes only when an operator changes it. */
interface Config {
  readonly generation: number;
  readonly settings: Settings;
  readonly stops: readonly Stop[];
  readonly tiers: ReadonlyMap<number, Tier>;
  /** By the name they were asked for under. */
  readonly users: Map<string, KnownUser | null>;
}

interface KnownUser {
  readonly id: number;
  readonly key: string;
  readonly status: LedgerUser["status"];
  readonly tier: Tier;
  readonly overrides: readonly Override[];
  readonly forgiven: ReadonlyMap<number, Amounts>;
}

/** Stands for the tier of a removed user where that was removed too: only tiers of users who are there are kept. */
const NO_TIER: Tier = { key: "", label: "", rank: 1, quotas: [], features: [] };

/** Users remembered at most; beyond it they are all forgotten and read again. */
const MOST_USERS = 10_000;

/** A user that a batch concerns, and the instant for whose windows. */
export interface Wanted {
  readonly name: string;
  readonly at: Instant;
}

/** Loads what a batch is decided from, inside the transaction that is open. */
export class MeterState {
  #config: Config | null = null;
  readonly #sources = new Map<string, number>();

  constructor(
    private readonly db: Kysely<Schema>,
    private readonly statements: MeterStatements,
  ) {}

  /** Whether what is remembered of tiers, users, stops and settings is what the transaction sees. */
  isCurrent(): boolean {
    return this.#config !== null && this.#config.generation === this.statements.generation.get();
  }

  /** Reads tiers, stops and settings anew and forgets every user. */
  async refresh(): Promise<void> {
    const generation = this.statements.generation.get() as number;
    const settings = await loadSettings(this.db);
    const stops = await loadStops(this.db);
    const tiers = new Map((await loadTiers(this.db)).map(({ id, tier }) => [id, tier]));
    this.#config = { generation, settings, stops, tiers, users: new Map() };
  }

  /** After a rollback nothing that was read or written counts. */
  forget(): void {
    this.#config = null;
    this.#sources.clear();
  }

  get config(): Config {
    if (this.#config === null) throw new Error("the state was not refreshed");
    return this.#config;
  }

  load(
    wanted: readonly Wanted[],
    events: readonly { readonly source: string; readonly id: string; readonly providerId: string | null }[],
  ): LedgerState {
    const { settings, stops } = this.config;
    const zone = calendar(settings.time_zone);
    const users = new Map<string, LedgerUser>();
    const loading = new Map<number, LoadingUser>();
    for (const { name, at } of wanted) {
      const known = this.#user(name);
      if (known === null) continue;
      let user = loading.get(known.id);
      if (user === undefined) {
        user = { ...known, windows: new Map(), holds: this.#holds(known.id) };
        loading.set(known.id, user);
      }
      users.set(name, user);
      const day = zone.dayOf(at);
      this.#window(user, "day", day);
      this.#window(user, "month", zone.dayToMonth(day));
    }
    const knownEvents = new Map<string, number>();
    const knownProviderIds = new Set<string>();
    for (const { source, id, providerId } of events) {
      const sourceId = this.sourceId(source);
      const hash = sourceId === undefined ? undefined : this.statements.event.get(sourceId, id);
      if (hash !== undefined) knownEvents.set(eventKey(source, id), hash);
      if (providerId !== null && this.statements.providerId.get(providerId) !== undefined) {
        knownProviderIds.add(providerId);
      }
    }
    return { settings, stops, users, knownEvents, knownProviderIds };
  }

  /** The number of a source; `undefined` when no event came from it yet. */
  sourceId(name: string): number | undefined {
    const remembered = this.#sources.get(name);
    if (remembered !== undefined) return remembered;
    const id = this.statements.findSource.get(name);
    if (id !== undefined) this.#sources.set(name, id);
    return id;
  }

  #user(name: string): KnownUser | null {
    const { users } = this.config;
    const remembered = users.get(name);
    if (remembered !== undefined) return remembered;
    if (users.size >= MOST_USERS) users.clear();
    const user = this.#readUser(name);
    users.set(name, user);
    return user;
  }

  #readUser(name: string): KnownUser | null {
    const row = lookupNames(name)
      .map((spelling) => this.statements.user.get(spelling))
      .find((found) => found !== undefined);
    if (row === undefined) return null;
    const tier = this.config.tiers.get(row.tier_id) ?? (row.status === "removed" ? NO_TIER : undefined);
    if (tier === undefined) {
      // Only who was removed may have been left on a tier that was removed since.
      if (row.status === "removed") return null;
      throw new Error(`user ${row.id} is on a tier that does not exist`);
    }
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

  #window(user: LoadingUser, period: Period, index: number): void {
    const key = windowKey(period, index);
    if (user.windows.has(key)) return;
    const used = this.statements.window.get(user.id, period, index);
    const forgiven = user.forgiven.get(key);
    if (used === undefined && forgiven === undefined) return;
    user.windows.set(key, {
      used: used ?? NO_WINDOW_USAGE.used,
      forgiven: forgiven ?? NO_WINDOW_USAGE.forgiven,
    });
  }
}

interface LoadingUser extends KnownUser {
  readonly windows: Map<number, WindowUsage>;
  readonly holds: Map<string, Hold>;
}
