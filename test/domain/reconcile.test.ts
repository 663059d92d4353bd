import { describe, expect, test } from "vitest";
import { coveredDays, rangesOf, sumTokens } from "../../src/domain/bill.js";
import { reconciledRange } from "../../src/domain/reconcile.js";
import { NO_COST_PARTS, NO_TOKEN_PARTS } from "../../src/domain/reconcile-parts.js";
import { billOf, ledgerDay, november, reconciled, tokens } from "../support/bills.js";

const [D1, D2, D3, D4] = [november(1), november(2), november(3), november(4)];

describe("tokens", () => {
  test("what is equal has no parts", () => {
    const counts = tokens({ input: 100, cacheRead: 20, cacheWrite: 5, output: 7 });
    const found = reconciled(
      [billOf("tokens", [{ day: D1, tokens: counts }])],
      [ledgerDay({ day: D1, tokens: counts })],
    );
    expect(found.rows).toMatchObject([{ day: D1, tokens: NO_TOKEN_PARTS, cost: null }]);
    expect(found).toMatchObject({ isBilled: true, isUsed: true, isShared: true });
    expect(found.totals).toMatchObject({ tokens: { off: 0n, moved: 0n }, cost: null });
  });

  test("what one side has more of is missing on the other, bucket by bucket", () => {
    const found = reconciled(
      [billOf("tokens", [{ day: D1, tokens: tokens({ input: 100, cacheRead: 20, output: 7 }) }])],
      [ledgerDay({ day: D1, tokens: tokens({ input: 90, cacheRead: 25, output: 7 }) })],
    );
    expect(found.rows[0]!.tokens).toEqual({
      missingHere: tokens({ input: 10 }),
      missingThere: tokens({ cacheRead: -5 }),
      dayBoundary: tokens({}),
    });
    expect(found.totals.tokens).toMatchObject({ off: 15n, moved: 0n });
  });

  test("differences of opposite sign on neighbouring days are a day boundary, up to the smaller", () => {
    // The 1st: bill 100, ledger 70: 30 more. The 2nd: bill 50, ledger 62: 12 less. So 12 moved, and 18 are missing here.
    const found = reconciled(
      [
        billOf("tokens", [
          { day: D1, tokens: tokens({ input: 100 }) },
          { day: D2, tokens: tokens({ input: 50 }) },
        ]),
      ],
      [
        ledgerDay({ day: D1, tokens: tokens({ input: 70 }) }),
        ledgerDay({ day: D2, tokens: tokens({ input: 62 }) }),
      ],
    );
    expect(found.rows.map((row) => row.tokens)).toEqual([
      { missingHere: tokens({ input: 18 }), missingThere: tokens({}), dayBoundary: tokens({ input: 12 }) },
      { missingHere: tokens({}), missingThere: tokens({}), dayBoundary: tokens({ input: -12 }) },
    ]);
    expect(found.totals.tokens).toMatchObject({ off: 18n, moved: 12n });
  });

  test("a chain of days hands the rest on, and a gap of a day does not", () => {
    // +5, -8, +3: 5 move back from the 2nd to the 1st, the other 3 forward to the 3rd; on the 5th nobody is next to it.
    const amounts = [
      [D1, 5, 0],
      [D2, 0, 8],
      [D3, 3, 0],
      [november(5), 0, 3],
    ] as const;
    const found = reconciled(
      [
        billOf(
          "tokens",
          amounts.map(([day, billed]) => ({ day, tokens: tokens({ output: billed }) })),
        ),
      ],
      amounts.map(([day, , used]) => ledgerDay({ day, tokens: tokens({ output: used }) })),
    );
    expect(found.rows.map((row) => row.tokens?.dayBoundary.output)).toEqual([5n, -8n, 3n, 0n]);
    expect(found.rows.map((row) => row.tokens?.missingThere.output)).toEqual([0n, 0n, 0n, -3n]);
  });

  test("neighbouring days of another model cancel nothing", () => {
    const found = reconciled(
      [billOf("tokens", [{ day: D1, model: "o3", tokens: tokens({ input: 5 }) }, { day: D2 }])],
      [ledgerDay({ day: D2, model: "gpt-4o", tokens: tokens({ input: 5 }) })],
    );
    expect(found.totals.tokens).toMatchObject({ off: 10n, moved: 0n });
    expect(found.isShared).toBe(false);
  });
});

describe("costs with tokens", () => {
  const usage = (input: number, output: number) =>
    billOf("tokens", [{ day: D1, tokens: tokens({ input, output }) }]);
  const costs = (cost: number, rounding = 0) =>
    billOf("cost", [{ day: D1, cost: BigInt(cost), rounding: BigInt(rounding) }]);
  const entry = (input: number, output: number, cost: number) =>
    ledgerDay({ day: D1, tokens: tokens({ input, output }), cost: BigInt(cost) });

  test("missing tokens cost what their weight says, and nothing is left for the price", () => {
    // Weights 2 and 10: the bill is 1000 * 2 + 100 * 10 = 3000, of which the 100 output tokens are a third.
    const found = reconciled([usage(1000, 100), costs(3_000_000)], [entry(1000, 0, 2_000_000)]);
    expect(found.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, missingHere: 1_000_000n });
    expect(found.totals.cost).toMatchObject({ off: 1_000_000n });
  });

  test("the other way round it is missing there, below 0", () => {
    const found = reconciled([usage(1000, 0), costs(2_000_000)], [entry(1000, 100, 3_000_000)]);
    expect(found.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, missingThere: -1_000_000n });
  });

  test("the same tokens at another cost are a price", () => {
    const found = reconciled([usage(1000, 100), costs(3_300_000)], [entry(1000, 100, 3_000_000)]);
    expect(found.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, price: 300_000n });
  });

  test("missing tokens and another price are told apart", () => {
    // All is 10 % dearer on the bill: the missing third costs 1.1 million there, and the common 2 million 0.2 more.
    const found = reconciled([usage(1000, 100), costs(3_300_000)], [entry(1000, 0, 2_000_000)]);
    expect(found.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, missingHere: 1_100_000n, price: 200_000n });
  });

  test("what rounding alone can explain is no price", () => {
    const within = reconciled([usage(10, 0), costs(1_000_100, 99)], [entry(10, 0, 1_000_000)]);
    expect(within.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, rounding: 100n });
    expect(within.totals.cost?.off).toBe(0n);
    const beyond = reconciled([usage(10, 0), costs(1_000_101, 99)], [entry(10, 0, 1_000_000)]);
    expect(beyond.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, price: 101n });
  });

  test("what moved over midnight costs the same on both days, and a difference of price stays one", () => {
    // 100 input tokens on the 1st at 5 each, found on the 2nd at 4 each.
    const found = reconciled(
      [
        billOf("tokens", [
          { day: D1, tokens: tokens({ input: 100 }) },
          { day: D2, tokens: tokens({}) },
        ]),
        billOf("cost", [
          { day: D1, cost: 500n },
          { day: D2, cost: 0n },
        ]),
      ],
      [ledgerDay({ day: D2, tokens: tokens({ input: 100 }), cost: 400n })],
    );
    expect(found.rows.map((row) => row.cost)).toEqual([
      { ...NO_COST_PARTS, dayBoundary: 400n, price: 100n },
      { ...NO_COST_PARTS, dayBoundary: -400n },
    ]);
    expect(found.totals.cost).toMatchObject({ moved: 400n, off: 100n });
  });

  test("what moved to a day that has no cost on the bill is missing here in money", () => {
    const found = reconciled(
      [
        billOf("tokens", [
          { day: D1, tokens: tokens({ input: 100 }) },
          { day: D2, tokens: tokens({}) },
        ]),
        billOf("cost", [{ day: D1, cost: 500n }]),
      ],
      [ledgerDay({ day: D2, tokens: tokens({ input: 100 }), cost: 400n })],
    );
    expect(found.rows.map((row) => row.tokens?.dayBoundary.input)).toEqual([100n, -100n]);
    expect(found.rows.map((row) => row.cost)).toEqual([{ ...NO_COST_PARTS, missingHere: 500n }, null]);
  });

  test("images cost without tokens: a side that has nothing at all misses them, else it is the price", () => {
    const alone = reconciled([usage(0, 0), costs(900)], []);
    expect(alone.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, missingHere: 900n });
    const both = reconciled([usage(0, 0), costs(900)], [entry(0, 0, 700)]);
    expect(both.rows[0]!.cost).toEqual({ ...NO_COST_PARTS, price: 200n });
  });

  test("a model that the usage export leaves out is compared by its cost alone", () => {
    const found = reconciled(
      [usage(10, 0), billOf("cost", [{ day: D1, model: "tts-1", cost: 900n }])],
      [entry(10, 0, 0), ledgerDay({ day: D1, model: "tts-1", tokens: tokens({ input: 50 }), cost: 800n })],
    );
    expect(found.rows.map(({ model, tokens: parts, cost }) => [model.label, parts === null, cost])).toEqual([
      ["gpt-4o", false, NO_COST_PARTS],
      ["tts-1", true, { ...NO_COST_PARTS, usageOrPrice: 100n }],
    ]);
  });
});

describe("costs without tokens", () => {
  const bill = billOf("cost", [
    { day: D1, cost: 500n },
    { day: D2, cost: 100n },
    { day: D4, cost: 70n, rounding: 5n },
    { day: D4, model: "o3", cost: 30n },
  ]);

  test("missing, moved, rounded and what cannot be told", () => {
    const found = reconciled(
      [bill],
      [
        // The 1st: 200 more on the bill, the 2nd: 150 less. 150 moved, and 50 are left of the 1st.
        ledgerDay({ day: D1, cost: 300n }),
        ledgerDay({ day: D2, cost: 250n }),
        ledgerDay({ day: D4, cost: 76n }),
        ledgerDay({ day: D2, model: "o1", cost: 9n }),
      ],
    );
    expect(found.rows.map(({ day, model, cost }) => [day, model.label, cost])).toEqual([
      [D1, "gpt-4o", { ...NO_COST_PARTS, dayBoundary: 150n, usageOrPrice: 50n }],
      [D2, "gpt-4o", { ...NO_COST_PARTS, dayBoundary: -150n }],
      [D2, "o1", { ...NO_COST_PARTS, missingThere: -9n }],
      // 5 of the bill and 1 of the one call can be rounding.
      [D4, "gpt-4o", { ...NO_COST_PARTS, rounding: -6n }],
      [D4, "o3", { ...NO_COST_PARTS, missingHere: 30n }],
    ]);
    expect(found.totals.cost).toMatchObject({ bill: 700n, ledger: 635n, off: 89n, moved: 150n });
  });
});

describe("which days and whose usage", () => {
  const day = (date: number, input = 1) => ({ day: november(date), tokens: tokens({ input }) });
  const range = (found: ReadonlySet<number>) =>
    [...found].map((each) => each - november(0)).sort((a, b) => a - b);

  test("the days of an export run from its first to its last, and of two exports there may be a gap", () => {
    const bills = [billOf("tokens", [day(2), day(4)]), billOf("tokens", [day(7)]), billOf("cost", [day(9)])];
    const covered = (since: number | null, until: number | null) =>
      range(
        coveredDays(bills, "tokens", { since: since && november(since), until: until && november(until) }),
      );
    expect(covered(null, null)).toEqual([2, 3, 4, 7]);
    expect(covered(1, 10)).toEqual([1, 2, 3, 4, 7, 8, 9]);
    expect(covered(3, 7)).toEqual([3, 4]);
    expect(covered(8, null)).toEqual([]);
    expect(rangesOf(coveredDays(bills, "tokens", { since: null, until: null }))).toEqual([
      { from: november(2), to: november(5) },
      { from: november(7), to: november(8) },
    ]);
    expect(reconciledRange([], { since: null, until: null })).toBeNull();
    expect(reconciledRange(bills, { since: null, until: null })).toEqual({
      from: november(2),
      to: november(10),
    });
  });

  test("usage on days that the bill is silent about is not compared", () => {
    const ledger = [ledgerDay(day(1, 50)), ledgerDay(day(3, 7)), ledgerDay(day(5, 50))];
    const found = reconciled([billOf("tokens", [day(2), day(4)])], ledger);
    expect(sumTokens(found.totals.tokens!.ledger)).toBe(7n);
  });

  test("usage counts for the provider that it names; where it names none, for the maker of the model", () => {
    const ledger = [
      ledgerDay({ ...day(1, 1), provider: "openai" }),
      ledgerDay({ ...day(1, 2), provider: "" }),
      ledgerDay({ ...day(1, 4), provider: "azure" }),
      ledgerDay({ ...day(1, 8), provider: "", model: "claude-sonnet-4" }),
    ];
    const bills = [billOf("tokens", [day(1)])];
    expect(sumTokens(reconciled(bills, ledger).totals.tokens!.ledger)).toBe(3n);
    expect(sumTokens(reconciled(bills, ledger, { servedBy: "azure" }).totals.tokens!.ledger)).toBe(4n);
  });

  test("a bill that is not split by model is held against all models together", () => {
    const found = reconciled(
      [
        billOf("tokens", [
          { ...day(1, 10), model: null },
          { ...day(1, 5), model: "o3" },
        ]),
      ],
      [ledgerDay(day(1, 4)), ledgerDay({ ...day(1, 11), model: "o1" })],
    );
    expect(found.rows).toMatchObject([
      { model: { label: "all models", match: "all" }, tokens: NO_TOKEN_PARTS },
    ]);
  });

  test("what corrections took back was never there", () => {
    const undone = ledgerDay({ day: D1, requests: 0n });
    expect(reconciled([billOf("tokens", [{ day: D1 }])], [undone])).toMatchObject({
      isUsed: false,
      isBilled: false,
    });
  });
});
