import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addTokens, type LedgerDay, NO_TOKENS, TOKEN_BUCKETS } from "../../src/domain/bill.js";
import type { ReconciledDay } from "../../src/domain/reconcile.js";
import { CAUSES } from "../../src/domain/reconcile-parts.js";
import { billOf, ledgerDay, november, reconciled } from "../support/bills.js";

const RUNS = { numRuns: 200 };
const MODELS = ["gpt-4o", "gpt-4o-2024-08-06", "o3", "gpt-4.1-2025-04-14", "openai/gpt-4o-2024-08-06"];

const amount = fc.oneof(
  fc.constant(0n),
  fc.bigInt({ min: 0n, max: 20n }),
  fc.bigInt({ min: 0n, max: 2n ** 70n }),
);
const counts = fc.record({ input: amount, cacheRead: amount, cacheWrite: amount, output: amount });
const day = fc.integer({ min: 1, max: 6 }).map(november);
const line = fc.record({
  day,
  model: fc.constantFrom(...MODELS),
  tokens: counts,
  cost: fc.oneof(amount, fc.bigInt({ min: -50n, max: 0n })),
  rounding: fc.bigInt({ min: 0n, max: 10n }),
});
const entry = fc
  .record({
    day,
    model: fc.constantFrom(...MODELS),
    provider: fc.constantFrom("openai", ""),
    tokens: counts,
    cost: amount,
    requests: fc.bigInt({ min: 0n, max: 9n }),
  })
  .map(ledgerDay);
type Line = typeof line extends fc.Arbitrary<infer T> ? T : never;

const sides = fc.record({
  usage: fc.option(fc.array(line, { maxLength: 12 })),
  costs: fc.option(fc.array(line, { maxLength: 12 })),
  isSplit: fc.boolean(),
  ledger: fc.array(entry, { maxLength: 12 }),
});
type Sides = typeof sides extends fc.Arbitrary<infer T> ? T : never;

/** Bills of the whole week, so that nothing of the ledger lies outside them. */
function reconcileAll({ usage, costs, isSplit, ledger }: Sides) {
  const edges = [{ day: november(1) }, { day: november(6) }];
  const named = (lines: readonly Line[]) => lines.map((each) => (isSplit ? each : { ...each, model: null }));
  return reconciled(
    [
      ...(usage === null
        ? []
        : [
            billOf("tokens", [
              ...edges,
              ...named(usage).map((each) => ({ ...each, cost: 0n, rounding: 0n })),
            ]),
          ]),
      ...(costs === null
        ? []
        : [billOf("cost", [...edges, ...named(costs).map((each) => ({ ...each, tokens: NO_TOKENS }))])]),
    ],
    ledger,
  );
}

function sum(all: readonly bigint[]): bigint {
  return all.reduce((total, n) => total + n, 0n);
}

function perModel(rows: readonly ReconciledDay[]) {
  const models = new Map<unknown, ReconciledDay[]>();
  for (const row of rows) models.set(row.model, [...(models.get(row.model) ?? []), row]);
  return [...models.values()];
}

describe("whatever is billed and used", () => {
  test("bill less ledger is the sum of the parts, for each bucket and the cost, on each day", () => {
    fc.assert(
      fc.property(sides, (each) => {
        for (const row of reconcileAll(each).rows) {
          for (const bucket of TOKEN_BUCKETS) {
            if (row.tokens === null || row.bill.tokens === null) continue;
            const parts = sum(Object.values(row.tokens).map((part) => part[bucket]));
            expect(parts).toBe(row.bill.tokens[bucket] - row.ledger.tokens[bucket]);
          }
          if (row.cost === null || row.bill.cost === null) continue;
          expect(sum(CAUSES.map((cause) => row.cost![cause]))).toBe(row.bill.cost - row.ledger.cost);
        }
      }),
      RUNS,
    );
  });

  test("nothing is lost on the way, and the totals are the sums of the days", () => {
    fc.assert(
      fc.property(sides, (each) => {
        const { rows, totals } = reconcileAll(each);
        const { usage, costs, ledger } = each;
        if (costs !== null) {
          expect(totals.cost?.bill ?? 0n).toBe(sum(costs.map(({ cost }) => cost)));
          expect(totals.cost?.ledger ?? 0n).toBe(sum(ledger.map(({ cost }) => cost)));
          const parts = totals.cost?.parts;
          expect(sum(Object.values(parts ?? {}))).toBe(
            (totals.cost?.bill ?? 0n) - (totals.cost?.ledger ?? 0n),
          );
        }
        const billed = (usage ?? []).reduce((total, { tokens }) => addTokens(total, tokens), NO_TOKENS);
        expect(totals.tokens?.bill ?? NO_TOKENS).toEqual(billed);
        const used = rows.reduce((total, row) => addTokens(total, row.ledger.tokens), NO_TOKENS);
        if (rows.length > 0) {
          expect(used).toEqual(ledger.reduce((total, { tokens }) => addTokens(total, tokens), NO_TOKENS));
        }
      }),
      RUNS,
    );
  });

  test("day boundaries cancel over the days of a model, and no neighbours are left that could cancel", () => {
    fc.assert(
      fc.property(sides, (each) => {
        for (const rows of perModel(reconcileAll(each).rows)) {
          expect(sum(rows.map((row) => row.cost?.dayBoundary ?? 0n))).toBe(0n);
          for (const bucket of TOKEN_BUCKETS) {
            expect(sum(rows.map((row) => row.tokens?.dayBoundary[bucket] ?? 0n))).toBe(0n);
            rows.slice(1).forEach((row, before) => {
              const previous = rows[before]!;
              if (previous.day + 1 !== row.day || row.tokens === null || previous.tokens === null) return;
              const left = (of: NonNullable<ReconciledDay["tokens"]>) =>
                of.missingHere[bucket] + of.missingThere[bucket];
              expect(left(previous.tokens) * left(row.tokens) >= 0n).toBe(true);
            });
          }
        }
      }),
      RUNS,
    );
  });

  test("of tokens, what is missing here is above 0 and what is missing there below, never both", () => {
    fc.assert(
      fc.property(sides, (each) => {
        for (const { tokens } of reconcileAll(each).rows) {
          for (const bucket of tokens === null ? [] : TOKEN_BUCKETS) {
            const [here, there] = [tokens!.missingHere[bucket], tokens!.missingThere[bucket]];
            expect(here >= 0n && there <= 0n && here * there === 0n).toBe(true);
          }
        }
      }),
      RUNS,
    );
  });

  test("the order of lines and entries does not matter", () => {
    fc.assert(
      fc.property(sides, (each) => {
        const reversed = {
          ...each,
          usage: each.usage && [...each.usage].reverse(),
          costs: each.costs && [...each.costs].reverse(),
          ledger: [...each.ledger].reverse(),
        };
        expect(reconcileAll(reversed).totals).toEqual(reconcileAll(each).totals);
      }),
      RUNS,
    );
  });
});

describe("what is known beforehand", () => {
  const distinct = fc.uniqueArray(entry, {
    selector: ({ day: at, model }: LedgerDay) => `${at} ${model}`,
    minLength: 1,
    maxLength: 12,
  });
  type Stated = Pick<LedgerDay, "day" | "tokens" | "cost"> & Partial<LedgerDay>;
  const asBill = (all: readonly Stated[]) => [
    billOf(
      "tokens",
      all.map((each) => ({ ...each, cost: 0n })),
    ),
    billOf(
      "cost",
      all.map((each) => ({ ...each, tokens: NO_TOKENS })),
    ),
  ];

  test("a bill of exactly what the ledger has leaves nothing", () => {
    fc.assert(
      fc.property(distinct, (entries) => {
        const { totals } = reconciled(asBill(entries), entries);
        expect([totals.tokens?.off, totals.tokens?.moved, totals.cost?.off, totals.cost?.moved]).toEqual([
          0n,
          0n,
          0n,
          0n,
        ]);
      }),
      RUNS,
    );
  });

  test("tokens and their cost that are only dated a day later are a day boundary and nothing else", () => {
    const calls = fc.record({
      input: fc.bigInt({ min: 1n, max: 10n ** 12n }),
      rate: fc.bigInt({ min: 1n, max: 500n }),
    });
    fc.assert(
      fc.property(calls, calls, fc.bigInt({ min: 0n, max: 100n }), ({ input, rate }, other, percent) => {
        const moved = (input * percent) / 100n;
        const at = (on: number, amount: bigint) => ({
          day: november(on),
          tokens: { ...NO_TOKENS, input: amount },
          cost: amount * rate,
        });
        const bill = [at(1, input), at(2, other.input)];
        const ledger = [at(1, input - moved), at(2, other.input + moved)].map(ledgerDay);
        const { totals } = reconciled(asBill(bill), ledger);
        expect(totals).toMatchObject({
          tokens: { off: 0n, moved },
          cost: { off: 0n, moved: moved * rate },
        });
      }),
      RUNS,
    );
  });

  test("with the sides changed, what was missing here is missing there", () => {
    fc.assert(
      fc.property(distinct, distinct, (one, other) => {
        const week = [1, 6].map((date) => ({ day: november(date), model: "a line of 0" }));
        const there = reconciled([billOf("tokens", [...week, ...one])], other).totals.tokens!;
        const back = reconciled([billOf("tokens", [...week, ...other])], one).totals.tokens!;
        for (const bucket of TOKEN_BUCKETS) {
          expect(there.parts.missingHere[bucket]).toBe(-back.parts.missingThere[bucket]);
        }
        expect(there.moved).toBe(back.moved);
      }),
      RUNS,
    );
  });
});
