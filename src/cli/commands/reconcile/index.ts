import { type Command, Option } from "commander";
import { declare } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareReconcile(program: Command, run: Run): void {
  declare(program, run, {
    usage: "reconcile <file...>",
    summary: "Hold a provider's bill against the ledger",
    details:
      "Reads the usage and cost exports of Anthropic and OpenAI, and compares them per day of UTC and model: what is missing here, what is missing there, what is priced otherwise, and what is only dated to a neighbouring day. Give usage and costs together to tell missing tokens from other prices. Exit code 1 is beyond the tolerance.",
    args: { file: "CSV exports of the same time, also gzipped; - is standard input" },
    options: [
      new Option(
        "--provider <name>",
        "the provider that the ledger names for this usage (default: the bill's)",
      ),
      new Option("--since <day>", "from a day of UTC on (default: the first day of the bill)"),
      new Option("--until <day>", "up to and not including a day (default: after the last day of the bill)"),
      new Option("--tolerance <limit>", "what may differ: a share such as 0.5%, or US dollars (default: 0)"),
    ],
    examples: [
      "alpha reconcile openai-usage.csv openai-cost.csv --tolerance 1%",
      "alpha reconcile anthropic-usage.csv --since 2026-11-01 --until 2026-12-01",
    ],
    tabular: true,
    load: () => import("./reconcile.js"),
  });
}
