import type { Kysely } from "kysely";
import type { Pool } from "pg";
import type { Stop } from "../../domain/emergency.js";
import type { Guardrail } from "../../domain/guardrail.js";
import { type LedgerUser, windowKey } from "../../domain/ledger-model.js";
import { type Amounts, noAmounts } from "../../domain/meter.js";
import type { OwnPrices } from "../../domain/own-prices.js";
import type { Settings } from "../../domain/settings.js";
import type { Tier } from "../../domain/tier.js";
import { lookupNames } from "../../domain/user.js";
import type { Instant } from "../../domain/window.js";
import type { LastSeen } from "../../engine/ports.js";
import { loadGuardrails, loadStops } from "../emergency.js";
import { LastSeenMemory } from "../last-seen.js";
import { overrideOf } from "../override-row.js";
import { loadOwnPrices } from "../prices.js";
import type { Schema } from "../schema.js";
import { loadSealedUntil } from "../sealing.js";
import { loadSettings } from "../settings.js";
import { loadTiers } from "../tiers.js";
import { kyselyOver } from "./dialect.js";
import type { Asked, MeterClient, Rows, Statement } from "./meter-client.js";
import type { Patience } from "./meter-patience.js";

/** What decides and changes only when an operator changes it, as of one generation. */
export interface Config {
  readonly generation: number;
  readonly settings: Settings;
  readonly stops: readonly Stop[];
  readonly guardrails: readonly Guardrail[];
  readonly ownPrices: OwnPrices | null;
  readonly sealedUntil: Instant | undefined;
  readonly tiers: ReadonlyMap<number, Tier>;
  /** By the name they were asked for under; `null`: nobody. */
  readonly users: Map<string, KnownUser | null>;
}

export interface KnownUser extends Omit<LedgerUser, "windows" | "holds"> {
  readonly forgiven: ReadonlyMap<number, Amounts>;
}

/** Users remembered at most; beyond it they are all forgotten and read again. */
const MOST_USERS = 30_000;

/**
 * What decides, remembered for as long as the generation in the database is the one it was read under. Whoever reads
 * anything else reads the generation with it.
 */
export class MeterMemory {
  readonly #seen = new LastSeenMemory();
  #config: Config | null = null;

  /** `null`: nothing is remembered. */
  get config(): Config | null {
    return this.#config;
  }

  forget(): void {
    this.#config = null;
  }

  lastSeen(user: string): LastSeen | null {
    return this.#seen.of(user);
  }

  /** A stop that this process turned on itself. */
  sawStop(stop: Stop): void {
    this.#seen.stop(stop);
  }

  /** Whether everybody is remembered, under whatever generation that was. */
  knows(names: readonly string[]): boolean {
    const users = this.#config?.users;
    return users !== undefined && names.every((name) => users.has(name));
  }

  /**
   * What decides, with the users of these names, as it is in a transaction.
   * @param start what begins the transaction, asked in the same round trip; nothing where it has begun
   */
  async read(
    client: MeterClient,
    start: readonly Asked[],
    names: readonly string[],
    patience: Patience,
  ): Promise<Config> {
    const known = this.#config === null ? null : this.#withRoomFor(this.#config, names);
    const unknown = names.filter((name) => known !== null && !known.users.has(name));
    const users = unknown.length === 0 ? [] : asksForUsers(unknown);
    const answers = await client.ask([...start, { statement: GENERATION }, ...users], patience.silenceMs);
    const [[{ generation }], ...userRows] = answers.slice(start.length) as [Rows, ...Rows[]];
    if (known !== null && known.generation === generation) {
      if (unknown.length > 0) this.#learn(known, unknown, userRows);
      return known;
    }
    // The generation was read first: what changes meanwhile is read again the next time, and never missed.
    const config = await this.#readConfig(client, generation);
    if (names.length > 0) {
      this.#learn(config, names, await client.ask(asksForUsers(names), patience.silenceMs));
    }
    this.#config = config;
    this.#seen.config(config.settings, config.stops, config.ownPrices);
    return config;
  }

  async #readConfig(client: MeterClient, generation: number): Promise<Config> {
    const db = kyselyOn(client);
    const settings = await loadSettings(db);
    const stops = await loadStops(db);
    const tiers = new Map((await loadTiers(db)).map(({ id, tier }) => [id, tier]));
    const guardrails = await loadGuardrails(db);
    const ownPrices = await loadOwnPrices(db);
    const sealedUntil = await loadSealedUntil(db, settings);
    return { generation, settings, stops, guardrails, ownPrices, sealedUntil, tiers, users: new Map() };
  }

  /** Whoever uses what was remembered until now goes on doing so. */
  #withRoomFor(config: Config, names: readonly string[]): Config {
    if (config.users.size + names.length <= MOST_USERS) return config;
    this.#config = { ...config, users: new Map() };
    return this.#config;
  }

  #learn(
    config: Config,
    names: readonly string[],
    [users = [], overrides = [], forgiveness = []]: Rows[],
  ): void {
    for (const name of names) {
      const row = lookupNames(name)
        .map((spelling) => users.find((found) => found.name === spelling))
        .find((found) => found !== undefined);
      const known = row === undefined ? null : userOf(row, config, overrides, forgiveness);
      config.users.set(name, known);
      // Calls are settled under the id.
      if (known !== null) config.users.set(known.key, known);
      this.#seen.user(name, known);
    }
  }
}

function asksForUsers(names: readonly string[]): Asked[] {
  // No text in PostgreSQL holds a NUL, so that nobody has such a name.
  const spellings = names.flatMap(lookupNames).filter((name) => !name.includes("\0"));
  return [USERS, OVERRIDES, FORGIVENESS].map((statement) => ({ statement, values: [spellings] }));
}

const GENERATION: Statement = {
  name: "alpha_generation",
  text: "select config as generation from generation",
};

const USERS: Statement = {
  name: "alpha_users",
  text: `select user_name.name, users.id, users.key, membership.status, membership.tier_id
    from user_name
    join users on users.id = user_name.user_id
    join membership on membership.user_id = users.id and membership.valid_to is null
    where user_name.name = any($1)`,
};

const OVERRIDES: Statement = {
  name: "alpha_overrides",
  text: `select * from override
    where valid_to is null and user_id in (select user_id from user_name where name = any($1))
    order by id`,
};

const FORGIVENESS: Statement = {
  name: "alpha_forgiveness",
  text: `select user_id, period, window_index, meter, sum(amount)::bigint as amount from forgiveness
    where user_id in (select user_id from user_name where name = any($1))
    group by user_id, period, window_index, meter`,
};

function userOf(row: Rows[number], { tiers }: Config, overrides: Rows, forgiveness: Rows): KnownUser {
  const { id, key, status, tier_id } = row;
  // Only who was removed may have been left on a tier that was removed since; late usage still counts.
  const tier = tiers.get(tier_id) ?? (status === "removed" ? NO_TIER : undefined);
  if (tier === undefined) throw new Error(`user ${id} is on a tier that does not exist`);
  const forgiven = new Map<number, Amounts>();
  for (const { user_id, period, window_index, meter, amount } of forgiveness) {
    if (user_id !== id) continue;
    const window = windowKey(period, window_index);
    const amounts = forgiven.get(window) ?? noAmounts();
    amounts[meter as keyof Amounts] += amount;
    forgiven.set(window, amounts);
  }
  const own = overrides.filter((override) => override.user_id === id).map(overrideOf);
  return { id, key, status, tier, overrides: own, forgiven };
}

const NO_TIER: Tier = { key: "", label: "", rank: 1, quotas: [], features: [] };

/** Kysely on a connection that is borrowed already, inside whatever transaction is open on it. */
function kyselyOn({ raw }: MeterClient): Kysely<Schema> {
  const query = raw.query.bind(raw);
  const borrowed = { connect: async () => ({ query, release: () => undefined }) };
  return kyselyOver(borrowed as unknown as Pool, 0);
}
