import fc from "fast-check";
import type { ImportColumns } from "../../src/domain/import-columns.js";
import type { Entry, Operation } from "../../src/domain/ledger-model.js";
import type { Nanos } from "../../src/domain/money.js";
import { type PriceSource, promptSize, type Rates } from "../../src/domain/price.js";
import { PRICED_BY, type Price } from "../../src/domain/price-rule.js";
import type { CallKind, Usage } from "../../src/domain/usage.js";

/** A plain record of a log, as both ways into the ledger take it. */
export interface PlainRecord extends Usage, CallKind {
  readonly id: string;
  readonly user: string;
  readonly occurredAt: number;
  readonly cost: Nanos | null;
  readonly priced?: Price;
  readonly requests: number;
  readonly status: string;
  readonly hash: number;
}

export const SOURCE = "gateway";
export const IMPORT = 7;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const RATES: Rates = {
  input: 2_000_000_000,
  cacheRead: 200_000_000,
  cacheWrite: null,
  output: 9_000_000_000,
  image: 30_000_000,
  request: 1_000,
};

/** Knows one model, whose long prompts cost twice as much. */
export const BOOK: PriceSource = {
  rates: ({ model }, _, inputTokens) => {
    if (model !== "flash") return null;
    return inputTokens > 500 ? { ...RATES, input: 4_000_000_000 } : RATES;
  },
  dearest: () => null,
};

/** How the ledger that records were exported from had priced them. */
const PRICED: readonly Price[] = [
  { cost: 3_000_000, assumed: 0, pricedBy: "book" },
  { cost: 0, assumed: 0, pricedBy: "own" },
  { cost: 0, assumed: 70_000_000, pricedBy: "none" },
];

/** Costs more than $9 million, whatever prices are in force. */
const TOO_MUCH = {
  ...{ provider: "google", model: "flash", cost: null },
  ...{ input: 9_000_000_000_000_000, cacheRead: 0, cacheWrite: 0 },
};

/** A sum of three of these is no safe integer. */
const HUGE = 4_000_000_000_000_000;

/** A log's records about an instant: most of them in order, some ids twice, some costs and sums that nobody can count. */
export function plainRecords(at: number, names: readonly string[]): fc.Arbitrary<readonly PlainRecord[]> {
  const record = fc.record({
    id: fc.constantFrom(null, null, null, null, "a", "b", "é", "\u{1f600}", "\uffee"),
    user: fc.constantFrom(...names),
    age: fc.constantFrom(0, 0, 0, HOUR, 9 * HOUR, DAY, 20 * DAY, 40 * DAY, -HOUR, -13 * HOUR, -DAY),
    provider: fc.constantFrom("google", "openai"),
    model: fc.constantFrom("flash", "flash", "other", ""),
    feature: fc.constantFrom("", "blog_writer"),
    input: fc.integer({ min: 0, max: 900 }),
    cacheRead: fc.constantFrom(0, 0, 0, 30),
    cacheWrite: fc.constantFrom(0, 0, 0, 20),
    output: fc.constantFrom(0, 10, 250),
    images: fc.constantFrom(0, 0, 0, 2),
    cost: fc.constantFrom(null, null, null, 0, 2_000_000, 120_000_000),
    requests: fc.constantFrom(1, 1, 1, 3),
    status: fc.constantFrom("ok", "ok", "error", "timeout"),
    priced: fc.constantFrom(null, null, null, ...PRICED),
    hash: fc.constantFrom(1, 2),
    isTooMuch: fc.integer({ min: 0, max: 30 }).map((n) => n === 0),
    huge: fc.constantFrom(...Array(40).fill({}), { output: HUGE }, { images: HUGE }, { requests: HUGE }),
  });
  return fc.array(record, { minLength: 1, maxLength: 80, size: "max" }).map((drafts) =>
    drafts.map(({ id, age, isTooMuch, priced, huge, ...draft }, i) => ({
      ...draft,
      ...huge,
      // At planning rates so much would cost more than can be counted.
      ...("output" in huge || "images" in huge ? { cost: 1 } : {}),
      ...(priced === null ? {} : { priced, cost: null }),
      ...(isTooMuch ? TOO_MUCH : {}),
      id: id ?? `n${String(i).padStart(3, "0")}`,
      occurredAt: at - age + i,
      reasoning: Math.floor(draft.output / 2),
    })),
  );
}

/** 110 tokens at 11:59, for 1,000 nanos. */
export function plainRecord(id: string, more: Partial<PlainRecord> = {}): PlainRecord {
  return {
    id,
    user: "ada",
    occurredAt: Date.UTC(2026, 10, 22, 11, 59),
    provider: "openai",
    model: "flash",
    feature: "",
    input: 100,
    cacheRead: 0,
    cacheWrite: 0,
    output: 10,
    reasoning: 0,
    images: 0,
    cost: 1_000,
    requests: 1,
    status: "ok",
    hash: 1,
    ...more,
  };
}

export function columnsOf(records: readonly PlainRecord[]): ImportColumns {
  const users = [...new Set(records.map(({ user }) => user))];
  const statuses = [...new Set(records.map(({ status }) => status))];
  const keys = records.map(({ provider, model, feature }) => JSON.stringify({ provider, model, feature }));
  const kinds = [...new Set(keys)];
  const column = (value: (record: PlainRecord) => number) => Float64Array.from(records, value);
  return {
    count: records.length,
    source: SOURCE,
    ids: records.map(({ id }) => id),
    user: Uint32Array.from(records, ({ user }) => users.indexOf(user)),
    users,
    kind: Uint32Array.from(keys, (key) => kinds.indexOf(key)),
    kinds: kinds.map((key) => JSON.parse(key) as CallKind),
    occurredAt: column(({ occurredAt }) => occurredAt),
    input: column(({ input }) => input),
    cacheRead: column(({ cacheRead }) => cacheRead),
    cacheWrite: column(({ cacheWrite }) => cacheWrite),
    output: column(({ output }) => output),
    reasoning: column(({ reasoning }) => reasoning),
    images: column(({ images }) => images),
    requests: column(({ requests }) => requests),
    cost: column(({ cost, priced }) => cost ?? priced?.cost ?? Number.NaN),
    ...(records.some(({ priced }) => priced !== undefined)
      ? {
          priced: {
            by: Uint32Array.from(records, ({ priced }) =>
              priced === undefined ? 0 : PRICED_BY.indexOf(priced.pricedBy) + 1,
            ),
            assumed: column(({ priced }) => priced?.assumed ?? 0),
          },
        }
      : {}),
    status: Uint32Array.from(records, ({ status }) => statuses.indexOf(status)),
    statuses,
    hash: column(({ hash }) => hash),
  };
}

/** The same records for the way one by one. */
export function operationsOf(records: readonly PlainRecord[], at: number): Operation[] {
  return records.map((record) => {
    const needsRates = record.cost === null && record.model !== "";
    const size = promptSize(record, record.requests);
    const rates = needsRates ? BOOK.rates(record, record.occurredAt, size) : null;
    const entry: Entry = {
      ...record,
      source: SOURCE,
      providerId: null,
      rates: rates === null ? null : { rates, from: "book" },
      estimated: false,
      importId: IMPORT,
    };
    return { op: "record", entry, at };
  });
}
