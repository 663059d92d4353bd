import { setTimeout as delay } from "node:timers/promises";
import type { Decision } from "../../domain/decide.js";
import { NO_WINDOW_USAGE, type WindowUsage } from "../../domain/decide.js";
import { checkRequest, checkUser } from "../../domain/ledger.js";
import type { Hold, LedgerRequest, LedgerState, LedgerUser, Operation } from "../../domain/ledger-model.js";
import { windowKey } from "../../domain/ledger-model.js";
import type { Settings } from "../../domain/settings.js";
import { calendar, type Instant } from "../../domain/window.js";
import { type Asked, ConnectionLost, MeterClient, type Statement } from "./meter-client.js";
import { withCorrections } from "./meter-corrections.js";
import { explainMeter } from "./meter-faults.js";
import { asksForUse, withUse } from "./meter-guardrails.js";
import { loading, type Wanted } from "./meter-load.js";
import type { Config, KnownUser, MeterMemory } from "./meter-memory.js";
import { Patience } from "./meter-patience.js";
import { SharedConnection } from "./meter-shared.js";
import { BEGIN_READING, COMMIT, limitsOf } from "./meter-transaction.js";
import type { MeterOptions } from "./meter-transactions.js";

const PAUSE_MS = 20;

/** Reads what decides, from the newest committed state, and locks nothing. */
export class MeterReader {
  readonly #shared: SharedConnection;

  constructor(
    private readonly options: MeterOptions,
    private readonly memory: MeterMemory,
  ) {
    this.#shared = new SharedConnection(options.pool);
  }

  close(): void {
    this.#shared.close();
  }

  settings(): Promise<Settings> {
    return this.#trying((patience) =>
      this.#snapshot(patience, async (client, start) => {
        const { settings } = await this.memory.read(client, start, [], patience);
        return settings;
      }),
    );
  }

  /** The state that a batch of these operations would be decided from. */
  state(wanted: Wanted, operations: readonly Operation[]): Promise<LedgerState> {
    return this.#trying((patience) => this.#state(patience, wanted, operations));
  }

  #state(patience: Patience, wanted: Wanted, operations: readonly Operation[]): Promise<LedgerState> {
    return this.#snapshot(patience, async (client, start) => {
      const config = await this.memory.read(client, start, wanted.names, patience);
      const { asked, read } = loading(wanted, config);
      const ask = (questions: readonly Asked[]) => client.ask(questions, patience.silenceMs);
      const { state, unbegun } = read(await ask(asked));
      const whole = await withCorrections(state, operations, ask);
      if (unbegun.length === 0) return whole;
      // Only a batch begins totals.
      const [used = []] = await ask([asksForUse(unbegun)]);
      return { ...whole, guardrails: withUse(whole.guardrails, used) };
    });
  }

  /** In one statement, where the user and what decides are remembered and no guardrail is set. */
  check(name: string, request: LedgerRequest, at: Instant): Promise<Decision> {
    return this.#trying(async (patience) => {
      const { config } = this.memory;
      const known = config?.users.get(name);
      if (config !== null && known !== undefined && config.guardrails.length === 0) {
        const user = await this.#usage(patience, config, known, at);
        if (user !== "outdated") return checkUser(user, config, request, at);
      }
      const wanted = { names: [name], instants: [at], sources: [], ids: [], providerIds: [] };
      return checkRequest(await this.#state(patience, wanted, []), name, request, at);
    });
  }

  async #usage(
    patience: Patience,
    config: Config,
    user: KnownUser | null,
    at: Instant,
  ): Promise<LedgerUser | null | "outdated"> {
    const zone = calendar(config.settings.time_zone);
    const day = zone.dayOf(at);
    const month = zone.dayToMonth(day);
    const asked = { statement: USAGE, values: [user?.id ?? NOBODY, day, month, at] };
    const [row] = await this.#shared.ask(asked, patience);
    if (row.generation !== config.generation) return "outdated";
    if (user === null) return null;
    const { id, key, status, tier, overrides, forgiven } = user;
    const windows = new Map([
      [windowKey("day", day), windowOf(row.day, forgiven.get(windowKey("day", day)))],
      [windowKey("month", month), windowOf(row.month, forgiven.get(windowKey("month", month)))],
    ]);
    return { id, key, status, tier, overrides, windows, holds: holdsOf(row.holds) };
  }

  /** Runs `work` in a transaction that reads one snapshot; it asks for `start` before anything else. */
  async #snapshot<T>(
    patience: Patience,
    work: (client: MeterClient, start: readonly Asked[]) => Promise<T>,
  ): Promise<T> {
    const { pool } = this.options;
    const client = await MeterClient.borrow(pool, patience.waitMs);
    let isFit = false;
    try {
      const result = await work(client, [BEGIN_READING, limitsOf(pool, patience)]);
      await client.ask([COMMIT], patience.silenceMs);
      isFit = true;
      return result;
    } catch (error) {
      isFit = await client.rollBack(patience.silenceMs);
      throw error;
    } finally {
      client.giveBack(isFit);
    }
  }

  /** Reads again when the server went away meanwhile. */
  async #trying<T>(work: (patience: Patience) => Promise<T>): Promise<T> {
    const { location, waitMs } = this.options;
    // What only reads commits nothing, so that an answer need not come later than anybody waits.
    const patience = new Patience(waitMs, 0);
    for (;;) {
      try {
        return await work(patience);
      } catch (error) {
        if (!(error instanceof ConnectionLost) || patience.isOver) {
          throw explainMeter(error, location);
        }
        this.memory.forget();
        await delay(PAUSE_MS);
      }
    }
  }
}

/** No user has this number. */
const NOBODY = 0;

/** One statement is one snapshot. The user leads every condition, so that each is one descent of an index. */
const USAGE: Statement = {
  name: "alpha_usage",
  text: `select (select config from generation) as generation,
    (
      select row(tokens, images, cost, requests)::text from usage_window
      where user_id = $1 and period = 'day' and window_index = $2
    ) as day,
    (
      select row(tokens, images, cost, requests)::text from usage_window
      where user_id = $1 and period = 'month' and window_index = $3
    ) as month,
    array(
      select row(tokens, images, cost, requests, expires_at)::text from hold
      where user_id = $1 and expires_at > $4
    )::text as holds`,
};

const NUMBER = /-?\d+/g;

function numbersIn(text: string): number[] {
  return text.match(NUMBER)?.map(Number) ?? [];
}

function windowOf(text: string | null, forgiven = NO_WINDOW_USAGE.forgiven): WindowUsage {
  if (text === null) return { used: NO_WINDOW_USAGE.used, forgiven };
  const [tokens = 0, images = 0, cost = 0, requests = 0] = numbersIn(text);
  return { used: { tokens, images, cost, requests }, forgiven };
}

/** What they are for is not asked: a decision needs how much is held, and until when. */
function holdsOf(text: string): Map<string, Hold> {
  const holds = new Map<string, Hold>();
  const values = numbersIn(text);
  for (let from = 0; from < values.length; from += 5) {
    const [tokens = 0, images = 0, cost = 0, requests = 0, expiresAt = 0] = values.slice(from, from + 5);
    const id = String(from);
    const amounts = { tokens, images, cost, requests };
    holds.set(id, { id, amounts, kind: NO_KIND, createdAt: 0, expiresAt });
  }
  return holds;
}

const NO_KIND = { provider: "", model: "", feature: "" };
