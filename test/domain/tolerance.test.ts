import { expect, test } from "vitest";
import type { ReconciledTotals } from "../../src/domain/reconcile.js";
import { NO_COST_PARTS, NO_TOKEN_PARTS } from "../../src/domain/reconcile-parts.js";
import { EXACT, isWithin, parseTolerance } from "../../src/domain/tolerance.js";
import { tokens } from "../support/bills.js";

test.each([
  ["0.5%", { kind: "share", millionths: 5_000n }],
  ["100 %", { kind: "share", millionths: 1_000_000n }],
  ["0.0001%", { kind: "share", millionths: 1n }],
  ["0%", EXACT],
  ["0", EXACT],
  ["$0.00", EXACT],
  ["2.50", { kind: "cost", nanos: 2_500_000_000n }],
  ["$1,000", { kind: "cost", nanos: 1_000_000_000_000n }],
])("%j is read", (text, tolerance) => {
  expect(parseTolerance(text)).toEqual(tolerance);
});

test.each(["", "%", "-1%", "-0.01", "100.0001%", "0.00001%", "1e2%", "some", "NaN"])(
  "%j is refused",
  (text) => {
    expect(parseTolerance(text)).toBeNull();
  },
);

function totals(offTokens: bigint | null, offCost: bigint | null): ReconciledTotals {
  const bill = tokens({ input: 900, output: 100 });
  return {
    tokens:
      offTokens === null ? null : { bill, ledger: bill, parts: NO_TOKEN_PARTS, off: offTokens, moved: 0n },
    cost:
      offCost === null ? null : { bill: 2_000n, ledger: 0n, parts: NO_COST_PARTS, off: offCost, moved: 9n },
  };
}

test.each([
  // Of 1,000 tokens and 2,000 nanos.
  ["0", 0n, 0n, true],
  ["0", 1n, null, false],
  ["0", null, 1n, false],
  ["1%", 10n, 20n, true],
  ["1%", 11n, 20n, false],
  ["1%", 10n, 21n, false],
  ["0.000000020", 500n, 20n, true],
  ["0.000000020", 0n, 21n, false],
  ["5", 1n, null, false],
] as const)("a tolerance of %s with %s tokens and %s nanos off: %s", (text, offTokens, offCost, within) => {
  expect(isWithin(totals(offTokens, offCost), parseTolerance(text)!)).toBe(within);
});

test("of a bill of nothing no share is tolerated", () => {
  const none = { ...totals(1n, null), tokens: { ...totals(1n, null).tokens!, bill: tokens({}) } };
  expect(isWithin(none, parseTolerance("100%")!)).toBe(false);
});
