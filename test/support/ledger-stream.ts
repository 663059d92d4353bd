import fc from "fast-check";
import type { Override } from "../../src/domain/entitlement.js";
import {
  type Entry,
  type LedgerRequest,
  type Operation,
  partIdentity,
  windowKey,
} from "../../src/domain/ledger-model.js";
import type { Quota } from "../../src/domain/meter.js";
import { NO_RATES } from "../../src/domain/own-price-rules.js";
import { type OwnPrice, OwnPrices } from "../../src/domain/own-prices.js";
import type { QuotedRates } from "../../src/domain/price-rule.js";
import { INITIAL_SETTINGS, type Settings } from "../../src/domain/settings.js";
import { parseDay } from "../../src/domain/window.js";
import { instant, stopOf, tierNamed } from "./decision.js";
import type { ModelConfig, ModelUser } from "./ledger-model.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const BERLIN: Settings = { ...INITIAL_SETTINGS, time_zone: "Europe/Berlin" };

/** The evening before a month ends, in the week in which Berlin's clocks go back. */
const START = instant("2026-10-24T21:30:00Z");
const TODAY = parseDay("2026-10-24") ?? 0;

const quotas = (
  day: Partial<Record<Quota["meter"], number>>,
  month: Partial<Record<Quota["meter"], number>>,
) =>
  [
    ...Object.entries(day).map(([meter, limit]) => ({ meter, period: "day", limit })),
    ...Object.entries(month).map(([meter, limit]) => ({ meter, period: "month", limit })),
  ] as Quota[];

const always = { reason: null, since: 0, until: null };
const OVERRIDES: readonly Override[] = [
  { id: 1, ...always, kind: "quota", meter: "tokens", period: "day", limit: 2_000 },
  { id: 2, ...always, until: START + 3 * HOUR, kind: "quota", meter: "images", period: "day", limit: 1 },
  { id: 3, ...always, kind: "feature", feature: "basic_seo", granted: false },
];

export const USERS: readonly ModelUser[] = [
  { id: 1, names: ["ada", "ada@example.com"], status: "active", tier: tierNamed("free"), overrides: [] },
  { id: 2, names: ["bob"], status: "active", tier: tierNamed("basic"), overrides: OVERRIDES },
  {
    id: 3,
    names: ["eve"],
    status: "active",
    tier: {
      ...tierNamed("pro"),
      quotas: quotas(
        { requests: 3, images: 0, cost: 300_000_000 },
        { tokens: 4_000, images: 9, requests: 20, cost: 700_000_000 },
      ),
    },
    overrides: [],
    forgiven: new Map([[windowKey("day", TODAY), { tokens: 0, images: 0, cost: 50_000_000, requests: 1 }]]),
  },
  { id: 4, names: ["mallory"], status: "suspended", tier: tierNamed("free"), overrides: [] },
];

/** Some of them begin while the stream runs, and none has a rate for every unit. */
export const OWN_PRICE_LIST: readonly OwnPrice[] = [
  {
    id: 1,
    provider: "google",
    model: "fl*",
    startsAt: START + HOUR,
    rates: { ...NO_RATES, input: 40_000_000_000, output: 90_000_000_000, request: 7 },
  },
  { id: 2, provider: "", model: "*", startsAt: START + 3 * HOUR, rates: { ...NO_RATES, image: 20_000_000 } },
  {
    id: 3,
    provider: "openai",
    model: "flash",
    startsAt: 0,
    rates: { ...NO_RATES, input: 0, cacheRead: 1_500_001 },
  },
];
const OWN_PRICES = new OwnPrices(OWN_PRICE_LIST);

const configs: fc.Arbitrary<ModelConfig> = fc.record({
  ownPrices: fc.constantFrom(null, OWN_PRICES),
  settings: fc.constantFrom(
    BERLIN,
    BERLIN,
    { ...BERLIN, unpriced: "block" as const },
    { ...BERLIN, unpriced: "ignore" as const, hold_ttl: 2 * MINUTE, time_zone: "Asia/Kathmandu" },
  ),
  stops: fc.constantFrom(
    [],
    [],
    [stopOf({ scope: { feature: "basic_seo" }, since: START + HOUR, until: START + 30 * HOUR })],
    [stopOf({ action: "throttle", scope: { tier: "basic" }, since: START })],
  ),
  users: fc.constant(USERS),
});

const RATES: QuotedRates = {
  from: "book",
  rates: {
    input: 2_000_000_000,
    cacheRead: 200_000_000,
    cacheWrite: null,
    output: 9_000_000_000,
    image: 30_000_000,
    request: 1_000,
  },
};

const names = fc.constantFrom(
  "ada",
  "ada",
  "ada@example.com",
  "bob",
  "bob",
  "eve",
  "eve",
  "mallory",
  "ghost",
);
const ids = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h");
const kinds = fc.record({
  provider: fc.constantFrom("google", "openai"),
  model: fc.constantFrom("flash", ""),
  feature: fc.constantFrom("blog_writer", "blog_writer", "basic_seo", ""),
});
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const quoted = fc.constantFrom(RATES, RATES, null);

const requests: fc.Arbitrary<LedgerRequest> = fc
  .record({
    kind: kinds,
    tokens: maybe(fc.constantFrom(0, 1, 150, 300, 799, 1_000, 1_001)),
    images: maybe(fc.constantFrom(0, 0, 1, 2, 5)),
    cost: maybe(fc.constantFrom(0, 1_000_000, 160_000_000)),
    dearest: quoted,
  })
  .map(({ kind, ...request }) => ({ ...kind, ...request }));

const entries = fc
  .record({
    kind: kinds,
    source: fc.constantFrom("live", "gateway"),
    id: ids,
    providerId: fc.constantFrom(null, null, null, "resp-1", "resp-2"),
    user: names,
    input: fc.constantFrom(0, 40, 200, 700),
    cacheRead: fc.constantFrom(0, 0, 30),
    cacheWrite: fc.constantFrom(0, 0, 0, 20),
    output: fc.constantFrom(0, 10, 250),
    images: fc.constantFrom(0, 0, 1, 3),
    cost: maybe(fc.constantFrom(0, 2_000_000, 120_000_000)),
    rates: quoted,
    status: fc.constantFrom("ok", "error"),
    estimated: fc.boolean(),
    importId: fc.constantFrom(null, 4),
  })
  .map(({ kind, ...entry }) => {
    const { input, cacheRead, cacheWrite, output, images } = entry;
    // Any function of the content will do for a content hash.
    const hash = [input, cacheRead, cacheWrite, output, images].reduce<number>(
      (sum, n) => sum * 1_001 + n,
      0,
    );
    return { ...kind, ...entry, reasoning: Math.floor(output / 2), hash };
  });

const pauses = fc.constantFrom(
  0,
  0,
  SECOND,
  MINUTE,
  MINUTE,
  4 * MINUTE,
  10 * MINUTE,
  HOUR,
  9 * HOUR,
  25 * HOUR,
);
/** How long before the operation the usage occurred; a clock may also run ahead. */
const ages = fc.constantFrom(0, 0, 0, MINUTE, HOUR, 30 * HOUR, -3 * HOUR);
const holdFor = fc.constantFrom(null, null, 30 * SECOND, 2 * HOUR);

type Step = (at: number) => Operation;
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record(
        { user: names, id: ids, source: fc.constant("live"), request: requests, holdFor },
        { requiredKeys: ["user", "id", "request", "holdFor"] },
      )
      .map(
        (reserve): Step =>
          (at) => ({ op: "reserve", ...reserve, at }),
      ),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({ op: fc.constantFrom("settle" as const, "record" as const), entry: entries, age: ages })
      .map(
        ({ op, entry, age }): Step =>
          (at) => ({ op, entry: { ...entry, occurredAt: at - age }, at }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ user: names, id: ids }).map(
      (release): Step =>
        (at) => ({ op: "release", ...release, at }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ user: names, id: ids, holdFor }).map(
      (extend): Step =>
        (at) => ({ op: "extend", ...extend, at }),
    ),
  },
);

const parts: fc.Arbitrary<Step> = fc
  .record({ entry: entries, number: fc.constantFrom(1, 1, 2, 3), age: ages, holdFor })
  .map(({ entry, number, age, holdFor }) => (at) => {
    const { source, id: hold } = entry;
    const part = { ...partIdentity(source, hold, number), providerId: null, occurredAt: at - age };
    return { op: "settle", entry: { ...entry, ...part }, part: { source, hold, number, holdFor }, at };
  });

interface Stream {
  readonly config: ModelConfig;
  readonly operations: readonly Operation[];
}

/** A stream of operations, its clock moving forward over midnights, a change of the clocks and a month's end. */
export const streams = streamsOf(steps);

/** The same, with calls that are settled in parts among them. */
export const streamsInParts = streamsOf(
  fc.oneof({ weight: 7, arbitrary: steps }, { weight: 2, arbitrary: parts }),
);

function streamsOf(each: fc.Arbitrary<Step>): fc.Arbitrary<Stream> {
  return fc.record({
    config: configs,
    operations: fc
      .array(fc.tuple(pauses, each), { minLength: 1, maxLength: 60, size: "max" })
      .map((timed) => {
        let at = START;
        return timed.map(([pause, step]) => {
          at += pause;
          return step(at);
        });
      }),
  });
}

export function entryOf(rest: Partial<Entry> = {}): Entry {
  return {
    source: "live",
    id: "a",
    hash: 1,
    providerId: null,
    user: "ada",
    occurredAt: START,
    provider: "google",
    model: "flash",
    feature: "",
    input: 0,
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    reasoning: 0,
    images: 0,
    cost: 0,
    rates: null,
    status: "ok",
    estimated: false,
    importId: null,
    ...rest,
  };
}

export function requestOf(rest: Partial<LedgerRequest> = {}): LedgerRequest {
  return {
    provider: "",
    model: "",
    feature: "",
    tokens: null,
    images: null,
    cost: 0,
    dearest: null,
    ...rest,
  };
}
