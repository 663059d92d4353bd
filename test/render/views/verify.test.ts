import { expect, it } from "vitest";
import { renderCsv } from "../../../src/render/csv.js";
import { createStyle } from "../../../src/render/style.js";
import { differencesTable, verificationJson, verificationText } from "../../../src/render/views/verify.js";

const style = createStyle({ color: false });

const EQUAL = {
  rows: 1_200,
  windows: 31,
  days: 60,
  guardrails: 1,
  sealedMonths: 0,
  differenceCount: 0,
  differences: [],
};
const WRONG = {
  ...EQUAL,
  differenceCount: 1_003,
  differences: [
    {
      total: "window" as const,
      user: "u_4f1k2m9a0b",
      window: "2026-11",
      of: null,
      field: "tokens",
      stored: 1_201n,
      computed: 1_200n,
    },
    {
      total: "day" as const,
      user: "ada",
      window: "2026-11-22",
      of: "openai / gpt-4o / blog_writer",
      field: "cost",
      stored: 0n,
      computed: 1_500_000_000n,
    },
    {
      total: "guardrail" as const,
      user: null,
      window: "2026-11-22",
      of: "cost/day",
      field: "cost",
      stored: 2n ** 60n,
      computed: 0n,
    },
  ],
};

it("says in one line that all is equal, and of how much", () => {
  expect(verificationText(EQUAL, { style, width: 80 })).toBe(
    "Equal: 31 totals of days and months, 60 of reports and 1 of guardrails, compared\nwith 1,200 rows of the ledger.\n",
  );
});

it("says what proves the totals of sealed months", () => {
  expect(verificationText({ ...EQUAL, sealedMonths: 2 }, { style, width: null })).toMatch(
    /, compared with 1,200 rows of the ledger and what 2 sealed months came to\.\n$/,
  );
});

it("names what differs, in 80 columns", () => {
  expect(verificationText(WRONG, { style, width: 80 })).toMatchInlineSnapshot(`
    "1,003 differences: 31 totals of days and months, 60 of reports and 1 of
    guardrails, compared with 1,200 rows of the ledger.

    TOTAL      USER      WINDOW      OF        FIELD                  STORED  LEDGER
    window     u_4f1k2…  2026-11     -         tokens                  1,201   1,200
    day        ada       2026-11-22  openai…   cost                       $0    $1.5
    guardrail  everybo…  2026-11-22  cost/day  cost    $1152921504.606846976      $0

    and 1,000 more.
    "
  `);
});

it("names what differs in CSV, money in dollars", () => {
  expect(renderCsv(differencesTable(WRONG.differences)).split("\n").slice(1)).toEqual([
    "window,u_4f1k2m9a0b,2026-11,,tokens,1201,1200",
    "day,ada,2026-11-22,openai / gpt-4o / blog_writer,cost,0,1.5",
    "guardrail,,2026-11-22,cost/day,cost,1152921504.606846976,0",
    "",
  ]);
});

it("names what differs in JSON, money as money and every integer exact", () => {
  expect(verificationJson(WRONG)).toMatchObject({
    equal: false,
    ledger_rows: 1_200,
    totals: { windows: 31, days: 60, guardrails: 1 },
    difference_count: 1_003,
    differences: [
      { total: "window", user: "u_4f1k2m9a0b", of: null, field: "tokens", stored: 1_201, computed: 1_200 },
      { total: "day", stored: { nanos: 0, usd: "0" }, computed: { nanos: 1_500_000_000, usd: "1.5" } },
      { total: "guardrail", user: null, stored: { nanos: 2n ** 60n } },
    ],
  });
});
