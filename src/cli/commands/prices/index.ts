import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";

const MODEL = { model: "a model, or several by a glob: * is any text, ? one character" };
const provider = (otherwise: string) =>
  new Option(
    "--provider <provider>",
    `only for calls to this provider, or several by a glob (default: ${otherwise})`,
  );
const REASON = new Option("--reason <text>", "why, for the audit");

export function declarePrices(program: Command, run: Run): void {
  const prices = noun(program, "prices", "What models cost: your own prices, and the price book behind them");
  declare(prices, run, {
    usage: "list",
    summary: "List your own prices, and what each model in the ledger costs now",
    details:
      "Says where each price comes from: your own, or the price book. CSV and Markdown have the models, or with --own your own prices.",
    options: [
      new Option("--own", "only your own prices, those to come too"),
      new Option("--unpriced", "only models whose calls, or some of them, have no price"),
    ],
    examples: ["alpha prices list", "alpha prices list --unpriced", "alpha prices list --own --format csv"],
    tabular: true,
    load: () => import("./list.js"),
  });
  declare(prices, run, {
    usage: "show <model>",
    summary: "Show every price of one model: which decides, since when, for which prompts",
    args: { model: "a model, as calls name it; it need not be in the ledger" },
    options: [
      new Option("--provider <provider>", "the provider that serves it (default: the one in the ledger)"),
      new Option("--at <day>", "which price decides at another time, a day or an instant"),
    ],
    examples: [
      "alpha prices show gpt-4o",
      "alpha prices show gemini-2.5-pro --provider google --at 2026-01-01",
    ],
    tabular: true,
    load: () => import("./show.js"),
  });
  declareChanges(prices, run);
}

function declareChanges(prices: Command, run: Run): void {
  declare(prices, run, {
    usage: "set <model>",
    summary: "Set what a model costs, from a day on; goes before the price book",
    details:
      "Tokens are priced per million, in US dollars. Of several prices the most specific decides. Usage that is in the ledger keeps its cost until alpha usage reprice.",
    args: MODEL,
    options: [
      new Option("--input <usd>", "per million input tokens"),
      new Option("--cached-input <usd>", "per million input tokens read from a cache (default: as --input)"),
      new Option("--cache-write <usd>", "per million input tokens written to a cache (default: as --input)"),
      new Option("--output <usd>", "per million output tokens, reasoning included"),
      new Option("--image <usd>", "per image"),
      new Option("--call <usd>", "per call, on top of the others"),
      provider("any"),
      new Option("--from <day>", "from a day or instant on (default: the beginning of today)"),
      REASON,
    ],
    examples: [
      "alpha prices set gpt-image-1 --image 0.04 --from 2026-10-01",
      "alpha prices set 'our-model-*' --provider azure --input 2.5 --output 10 --dry-run",
    ],
    changes: true,
    load: () => import("./set.js"),
  });
  declare(prices, run, {
    usage: "remove <model>",
    summary: "Remove a price of your own, named as it was set",
    args: { model: "the model or glob that it was set for" },
    options: [
      provider("any"),
      new Option("--from <day>", "when it begins, where there are several for these models"),
      REASON,
    ],
    examples: [
      "alpha prices remove gpt-image-1",
      "alpha prices remove gpt-x --provider azure --from 2026-10-01 --yes",
    ],
    changes: true,
    confirms: true,
    load: () => import("./remove.js"),
  });
}
