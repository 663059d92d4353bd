import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { Settings } from "../../domain/settings.js";
import { type Calendar, calendar, type Instant, monthLabel } from "../../domain/window.js";
import type { Span } from "../../engine/ports/sealing.js";
import type { LedgerMonths, MonthSpan } from "../../engine/ports.js";
import { explainPostgres, postgresCode } from "./explain.js";

const LOCKED = "55P03";
const NOT_ALLOWED = "42501";

/** Dropping a month waits until nobody reads the ledger, a little at a time: whoever meters would wait behind it. */
const MOST_TRIES = 20;
const PAUSE_MS = 400;

/**
 * The ledger's partitions, one a month. Whatever has none lies in the rest of them and is metered all the same, so that
 * nothing here has to succeed.
 */
export class PostgresMonths implements LedgerMonths {
  constructor(
    private readonly pool: Pool,
    private readonly location: string,
  ) {}

  async prepare(months: readonly MonthSpan[]): Promise<void> {
    const rows = await this.#ask<{ name: string }>("select name from usage_months()", []);
    const there = new Set(rows?.map(({ name }) => name));
    for (const { label, start, end } of months) {
      const name = label.replace("-", "_");
      if (!there.has(`usage_event_${name}`)) {
        await this.#ask("select add_usage_month($1, $2, $3)", [name, start, end]);
      }
    }
  }

  async before(before: Instant): Promise<readonly Span[]> {
    const rows = await this.#ask<{ starts: number; ends: number }>(
      "select starts, ends from usage_months() where ends <= $1",
      [before],
    );
    return (rows ?? []).map(({ starts, ends }) => ({ start: starts, end: ends }));
  }

  async drop(before: Instant): Promise<number> {
    let dropped = 0;
    for (let tries = 0; tries < MOST_TRIES; ) {
      const rows = await this.#ask<{ rows: number | null }>("select drop_usage_month($1) as rows", [before]);
      const count = rows?.[0]?.rows;
      if (count === null) break;
      if (count === undefined) {
        tries += 1;
        await delay(PAUSE_MS);
      } else dropped += count;
    }
    return dropped;
  }

  /** `null`: somebody was in the way, or it is not this role's to do. */
  async #ask<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[] | null> {
    try {
      return (await this.pool.query<Row>(text, [...values])).rows;
    } catch (error) {
      if ([LOCKED, NOT_ALLOWED].includes(postgresCode(error))) return null;
      throw explainPostgres(error, this.location);
    }
  }
}

/** Makes room for the months of usage that an import brings, each once. */
export class MonthsOfImports {
  #zone: Calendar | null = null;
  readonly #seen = new Set<number>();

  constructor(
    private readonly months: LedgerMonths,
    private readonly settings: () => Promise<Settings>,
  ) {}

  /** @param instants when usage occurred */
  async prepareFor(instants: Iterable<Instant>): Promise<void> {
    this.#zone ??= calendar((await this.settings()).time_zone);
    const spans: MonthSpan[] = [];
    for (const at of instants) {
      const { index, start, end } = this.#zone.windowAt("month", at);
      if (this.#seen.has(index)) continue;
      this.#seen.add(index);
      spans.push({ label: monthLabel(index), start, end });
    }
    if (spans.length > 0) await this.months.prepare(spans);
  }
}
