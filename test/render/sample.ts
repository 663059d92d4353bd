import type { Table } from "../../src/render/table.js";

interface Spend {
  readonly user: string;
  readonly tier: string;
  readonly provider: string;
  readonly feature: string;
  readonly model: string;
  readonly tokens: number;
  readonly cost: string;
  readonly share: number | null;
}

/** A report as the views make them: text to shorten, numbers, columns that may go, totals and a note. */
export const sample: Table<Spend> = {
  columns: [
    { key: "user", header: "user", truncate: true, minWidth: 12, text: (row) => row.user },
    { key: "tier", header: "tier", priority: 2, text: (row) => row.tier },
    { key: "provider", header: "provider", priority: 4, text: (row) => row.provider },
    { key: "feature", header: "feature", priority: 5, text: (row) => row.feature },
    { key: "model", header: "model", priority: 3, truncate: true, text: (row) => row.model },
    {
      key: "tokens",
      header: "tokens",
      align: "right",
      text: (row) => row.tokens.toLocaleString("en-US"),
      value: (row) => row.tokens,
    },
    {
      key: "cost_usd",
      header: "cost",
      align: "right",
      text: (row) => `$${row.cost}`,
      value: (row) => row.cost,
    },
    {
      key: "share",
      header: "of quota",
      align: "right",
      priority: 2,
      text: (row) => (row.share === null ? "" : `${Math.floor(row.share * 100)}%`),
      paint: (text, row, style) => ((row.share ?? 0) >= 1 ? style.bad(text) : style.ok(text)),
      value: (row) => row.share,
    },
  ],
  rows: [
    {
      user: "ada@example.com",
      tier: "creator",
      provider: "anthropic",
      feature: "summarise",
      model: "claude-sonnet-4-5-20250929",
      tokens: 1_234_567,
      cost: "12.50",
      share: 0.42,
    },
    {
      user: "grace.brewster.murray@navy.example.org",
      tier: "explorer",
      provider: "openai",
      feature: "chat",
      model: "gpt_4o|mini",
      tokens: 980,
      cost: "0.01",
      share: 1.2,
    },
    {
      user: "試験者\u001b[31m@example.jp",
      tier: "explorer",
      provider: "google",
      feature: "",
      model: "gemini-2.5-flash",
      tokens: 0,
      cost: "-0.25",
      share: 0,
    },
  ],
  foot: [
    {
      user: "total",
      tier: "",
      provider: "",
      feature: "",
      model: "",
      tokens: 1_235_547,
      cost: "12.26",
      share: null,
    },
  ],
  empty: "No usage in this month.",
  notes: ["1 event is not priced; see `alpha prices list`."],
};
