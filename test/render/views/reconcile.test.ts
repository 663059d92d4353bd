import { describe, expect, test } from "vitest";
import type { Bill, LedgerDay } from "../../../src/domain/bill.js";
import { parseTolerance } from "../../../src/domain/tolerance.js";
import { toJson } from "../../../src/render/json.js";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { differencesTable, reconcileText } from "../../../src/render/views/reconcile.js";
import { reconcileJson } from "../../../src/render/views/reconcile-json.js";
import { reconcileNotes, reconcileSentence } from "../../../src/render/views/reconcile-notes.js";
import type { ReconcileView } from "../../../src/render/views/reconcile-report.js";
import { billOf, ledgerDay, november, reconciled, tokens } from "../../support/bills.js";

const style = createStyle({ color: false });
const [D1, D2, D3] = [november(1), november(2), november(3)];

function report(
  bills: readonly Bill[],
  ledger: readonly LedgerDay[],
  { tolerance = "0", zone = "UTC", isReconciled = false } = {},
): ReconcileView {
  return {
    ...reconciled(bills, ledger),
    tolerance: parseTolerance(tolerance)!,
    isReconciled,
    zone,
    servedBy: null,
    ledgerProviders: [...new Set(ledger.map(({ provider }) => provider))].sort(),
  };
}

/** Something of every cause: weights are 2 for input, 1 and 3 for the cache, 10 for output. */
const everything = report(
  [
    billOf("tokens", [
      {
        day: D1,
        model: "gpt-4o-2024-08-06",
        tokens: tokens({ input: 1_200_000, cacheRead: 400_000, output: 90_000 }),
      },
      { day: D2, model: "gpt-4o-2024-08-06", tokens: tokens({ input: 800_000, output: 60_000 }) },
      { day: D3, model: "o3-mini", tokens: tokens({ input: 50_000, output: 5_000 }) },
    ]),
    billOf("cost", [
      { day: D1, model: "gpt-4o-2024-08-06", cost: 4_400_000_000n, rounding: 1n },
      { day: D2, model: "gpt-4o-2024-08-06", cost: 2_600_000_000n, rounding: 1n },
      { day: D3, model: "o3-mini", cost: 77_000_000n, rounding: 1n },
      { day: D3, model: "web search tool call", cost: 20_000_000n, rounding: 1n },
      { day: D3, model: "tts-1", cost: 31_000_000n, rounding: 1n },
    ]),
  ],
  [
    ledgerDay({
      day: D1,
      tokens: tokens({ input: 1_150_000, cacheRead: 400_000, output: 90_000 }),
      cost: 4_250_000_000n,
      requests: 800n,
    }),
    ledgerDay({
      day: D2,
      tokens: tokens({ input: 830_000, output: 60_000 }),
      cost: 2_665_000_000n,
      requests: 500n,
    }),
    ledgerDay({
      day: D3,
      model: "o3-mini",
      tokens: tokens({ input: 50_000, output: 5_000 }),
      cost: 77_000_003n,
      requests: 40n,
    }),
    ledgerDay({
      day: D3,
      model: "tts-1",
      tokens: tokens({ input: 9_000 }),
      cost: 27_000_000n,
      requests: 9n,
      unpriced: 2n,
      assumed: 900_000n,
    }),
    ledgerDay({
      day: D2,
      model: "a-model-of-our-own-with-a-very-long-name-indeed",
      tokens: tokens({ output: 1_500 }),
      cost: 1_000_000n,
    }),
  ],
  { zone: "Europe/Berlin", tolerance: "0.5%" },
);
const FILES = [
  {
    file: "usage.csv",
    format: "openai-usage",
    rows: 3,
    rejected: 1,
    rejects: [{ line: 4, field: null, reason: "is odd" }],
    skipped: 0,
    repeated: 2,
  },
];

describe("a bill with something of everything", () => {
  test.each([
    ["80", 80],
    ["120", 120],
    ["pipe", null],
  ] as const)("on %s", async (name, width) => {
    const text = reconcileText(everything, { style, width });
    await expect(text).toMatchFileSnapshot(`golden/reconcile-${name}.txt`);
    if (width !== null) for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  });

  test("in Markdown, CSV and JSON", async () => {
    const table = differencesTable(everything);
    await expect(render(table, "markdown", { width: null, style })).toMatchFileSnapshot(
      "golden/reconcile.md.txt",
    );
    const csv = render(table, "csv", { width: null, style });
    await expect(csv).toMatchFileSnapshot("golden/reconcile.csv.txt");
    await expect(toJson(reconcileJson(everything, FILES))).toMatchFileSnapshot("golden/reconcile.json.txt");
  });

  test("the rows add up to the difference", () => {
    const csv = render(differencesTable(everything), "csv", { width: null, style });
    const [head = "", ...rows] = csv.trim().split("\n");
    const sum = (column: string) =>
      rows.reduce((total, row) => total + Number(row.split(",")[head.split(",").indexOf(column)]), 0);
    const { tokens: counted, cost } = everything.totals;
    expect(sum("input_tokens")).toBe(Number(counted!.bill.input - counted!.ledger.input));
    expect(sum("cost_usd")).toBeCloseTo(Number(cost!.bill - cost!.ledger) / 1e9, 9);
  });
});

describe("the sentence", () => {
  const used = (input: number, more: Partial<LedgerDay> = {}) =>
    ledgerDay({ day: D1, tokens: tokens({ input }), ...more });
  const usage = (input: number) => billOf("tokens", [{ day: D1, tokens: tokens({ input }) }]);

  test.each<[string, ReconcileView, string]>([
    [
      "equal",
      report([usage(1_000)], [used(1_000)], { isReconciled: true }),
      "The bill of openai for 2026-11-01 (UTC) reconciles with the ledger: 1,000 tokens, and nothing differs.",
    ],
    [
      "one token off",
      report([usage(1_001)], [used(1_000)]),
      "The bill of openai for 2026-11-01 (UTC) does not reconcile with the ledger: 1 token (0.10%) differs, which is beyond the tolerance of 0.",
    ],
    [
      "within the tolerance",
      report([usage(1_003)], [used(1_000)], { tolerance: "0.30%", isReconciled: true }),
      "The bill of openai for 2026-11-01 (UTC) reconciles with the ledger: 3 tokens (0.30%) differ, which is within the tolerance of 0.3%.",
    ],
    [
      "an amount tolerated",
      report([billOf("cost", [{ day: D1, cost: 5_000_000_000n }])], [used(0, { cost: 4_000_000_000n })], {
        tolerance: "1.50",
        isReconciled: true,
      }),
      "The bill of openai for 2026-11-01 (UTC) reconciles with the ledger: $1.00 (20.00%) differs, which is within the tolerance of $1.50.",
    ],
    [
      "moved and rounded only",
      report(
        [
          billOf("cost", [
            { day: D1, cost: 100n },
            { day: D2, cost: 0n },
            { day: D3, cost: 9n, rounding: 5n },
          ]),
        ],
        [ledgerDay({ day: D2, cost: 100n }), ledgerDay({ day: D3, cost: 8n })],
        { isReconciled: true },
      ),
      "The bill of openai for 2026-11-01 to 2026-11-03 (3 days, UTC) reconciles with the ledger: $0.00000011, and nothing differs but day boundaries and rounding.",
    ],
    [
      "nothing on either side",
      report([billOf("tokens", [{ day: D1 }])], [], { isReconciled: true }),
      "The bill of openai for 2026-11-01 (UTC) is of nothing, and the ledger has nothing of it either.",
    ],
    [
      "nothing billed",
      report([billOf("tokens", [{ day: D1 }])], [used(5)]),
      "The bill of openai for 2026-11-01 (UTC) is of nothing, but the ledger has usage of openai.",
    ],
    [
      "nothing used",
      report([usage(5)], []),
      "The bill of openai for 2026-11-01 (UTC) and the ledger have nothing in common: on these days the ledger has no usage at all.",
    ],
    [
      "another provider's usage",
      report([usage(5)], [used(5, { provider: "azure" })]),
      "The bill of openai for 2026-11-01 (UTC) and the ledger have nothing in common: on these days the ledger has usage of azure only.",
    ],
    [
      "other models",
      report([usage(5)], [used(5, { model: "o3" })]),
      "The bill of openai for 2026-11-01 (UTC) and the ledger have nothing in common: not one model is in both.",
    ],
  ])("%s", (_, view, sentence) => {
    expect(reconcileSentence(view)).toBe(sentence);
    expect(reconcileText(view, { style, width: 80 }).replaceAll("\n", " ")).toContain(sentence);
  });

  test("a bill that is not split by model says so", () => {
    const view = report(
      [billOf("tokens", [{ day: D1, model: null, tokens: tokens({ input: 5 }) }])],
      [used(5)],
    );
    expect(reconcileNotes(view)).toEqual([
      "The bill of openai is not split by model, so all models are compared together; export it grouped by model or line item to tell them apart.",
    ]);
  });

  test("names from the files steer no terminal", () => {
    const view = report(
      [billOf("tokens", [{ day: D1, model: "\u001b[31mred", tokens: tokens({ input: 5 }) }])],
      [used(4)],
    );
    expect(reconcileText(view, { style, width: 80 })).not.toContain("\u001b");
  });
});
