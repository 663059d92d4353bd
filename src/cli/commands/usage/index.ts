import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";
import { collect } from "../../values.js";

export function declareUsage(program: Command, run: Run): void {
  const usage = noun(program, "usage", "Import, record, list and report what testers used");
  declareImport(usage, run);
  declareRecord(usage, run);
  declareEvents(usage, run);
  declareImports(usage, run);
  declareReport(usage, run);
  declareExport(usage, run);
  declareReprice(usage, run);
}

function declareImport(usage: Command, run: Run): void {
  // Here the format is the logs', and --json alone says how the summary is printed.
  const format = new Option(
    "--format <format>",
    "the format of the logs, such as litellm, or jsonl, json or csv (default: told from them)",
  );
  format.attributeName = () => "logFormat";
  declare(usage, run, {
    usage: "import <file...>",
    summary: "Import usage logs; a record that is in already counts once",
    details:
      "Reads the logs of gateways, providers and tracers, alpha's own format, and any CSV or JSON whose columns --map names. Records that cannot be counted are rejected and the rest goes on. It can be interrupted and repeated: what was imported stays, and is found as duplicates.",
    args: { file: "JSONL, JSON or CSV, also gzipped; a quoted pattern; - is standard input" },
    options: [
      format,
      new Option("--map <our=theirs>", "the column that is one of our fields; repeatable").argParser(collect),
      new Option("--set <our=value>", "a field's value for every record; repeatable").argParser(collect),
      new Option("--user <user>", "whose all of it is, whatever the records say"),
      new Option("--add-users", "onboard whom the logs name and nobody knows, onto the default tier"),
      new Option("--rejects <file>", "keep what cannot be counted here, to mend it and import it"),
      new Option("--strict", "exit 1 when a record was rejected; the others are imported all the same"),
    ],
    examples: [
      "alpha usage import usage.jsonl",
      "alpha usage import 'logs/**/*.jsonl.gz' --rejects rejected.jsonl",
      "alpha usage import spend.csv --add-users --dry-run",
      "zstd -dc log.csv.zst | alpha usage import - --map timestamp=time --map input_tokens=prompt --set model=gpt-4o --user ada@example.com",
    ],
    changes: true,
    load: () => import("./import.js"),
  });
}

function declareRecord(usage: Command, run: Run): void {
  declare(usage, run, {
    usage: "record <user>",
    summary: "Record one call that a tester made",
    details:
      "For calls that no log holds. The token counts are disjoint: --input-tokens is without cached and cache-write tokens; reasoning is a part of output. Without --cost the price book says what it cost.",
    args: { user: "an id, email or alias" },
    options: [
      new Option("--provider <name>", "who served it, such as openai"),
      new Option("--model <name>", "the model"),
      new Option("--feature <name>", "the feature of the product"),
      new Option("--input-tokens <n>", "input tokens that touched no cache"),
      new Option("--cached-input-tokens <n>", "input tokens read from a cache"),
      new Option("--cache-write-tokens <n>", "input tokens written to a cache"),
      new Option("--output-tokens <n>", "output tokens, with reasoning"),
      new Option("--reasoning-tokens <n>", "those of the output spent on reasoning"),
      new Option("--images <n>", "images made"),
      new Option("--cost <usd>", "what it cost, where the provider says so"),
      new Option("--at <instant>", "when the call ended (default: now)"),
      new Option("--id <id>", "an id of yours: the same id again counts once"),
      new Option("--provider-id <id>", "the provider's id of the response, found again in its logs"),
      new Option("--status <status>", "what went wrong, where something did (default: ok)"),
    ],
    examples: [
      "alpha usage record ada@example.com --provider openai --model gpt-4o --input-tokens 1200 --output-tokens 300",
      "alpha usage record ada@example.com --feature blog_writer --images 2 --cost 0.08 --at 2026-11-21T18:30:00Z",
    ],
    changes: true,
    load: () => import("./record.js"),
  });
}

function declareEvents(usage: Command, run: Run): void {
  declare(usage, run, {
    usage: "events",
    summary: "List single calls from the ledger, newest entry first",
    options: [
      new Option("--user <user>", "only those of a tester"),
      new Option("--provider <name>", "only those of a provider"),
      new Option("--model <name>", "only those of a model"),
      new Option("--feature <name>", "only those of a feature"),
      new Option("--since <day>", "only those that occurred from a day or instant on"),
      new Option("--until <day>", "only those before a day or instant"),
      new Option("--unpriced", "only those that no price covers"),
      new Option("--limit <n>", "how many (default: 50)"),
      new Option("--before <number>", "only those with a lower number: the next page"),
    ],
    examples: [
      "alpha usage events --user ada@example.com",
      "alpha usage events --unpriced --since 2026-11-01 --limit 200 --format csv",
    ],
    tabular: true,
    load: () => import("./events.js"),
  });
}

function declareImports(usage: Command, run: Run): void {
  declare(usage, run, {
    usage: "imports",
    summary: "List what was imported: when, from where, by whom and how much, newest first",
    options: [
      new Option("--limit <n>", "how many (default: 50)"),
      new Option("--before <number>", "only those with a lower number: the next page"),
    ],
    examples: ["alpha usage imports", "alpha usage imports --limit 5 --json"],
    tabular: true,
    load: () => import("./imports.js"),
  });
  declare(usage, run, {
    usage: "undo-import <number>",
    summary: "Take back what an import brought, and free its ids",
    details:
      "By corrections: the ledger keeps what was entered and that it was taken back, and every total moves by the difference. The file can then be imported again, mended or with another --user or --map, and counts. Calls that another source has met too stay. It can be interrupted and repeated.",
    args: { number: "the import's number, as alpha usage imports shows it" },
    options: [new Option("--reason <text>", "why, for the audit")],
    examples: [
      "alpha usage undo-import 1 --dry-run",
      "alpha usage undo-import 1 --reason 'it was the staging log' --yes",
    ],
    changes: true,
    confirms: true,
    load: () => import("./undo-import.js"),
  });
}

function declareReport(usage: Command, run: Run): void {
  declare(usage, run, {
    usage: "report",
    summary: "Report usage and cost against what was expected",
    details: "Without a range it is the running month.",
    options: [
      new Option("--month <month>", "one month, such as 2026-10"),
      new Option("--since <day>", "from a day on"),
      new Option("--until <day>", "up to and not including a day"),
      new Option("--by <what>", "what a row stands for")
        .choices(["user", "tier", "model", "provider", "feature", "day"])
        .default("user"),
      new Option("--at-model <model>", "price the stated tokens as this model, not at the planning rates"),
      new Option("--html <file>", "write all of it as one page with charts; - is standard output"),
    ],
    examples: [
      "alpha usage report",
      "alpha usage report --month 2026-10 --by model --format csv",
      "alpha usage report --html report.html",
    ],
    tabular: true,
    load: () => import("./report.js"),
  });
}

function declareExport(usage: Command, run: Run): void {
  declare(usage, run, {
    usage: "export [file]",
    summary: "Export the ledger as JSON Lines, to be imported elsewhere or read by other programs",
    details:
      "One line for each call as it stands, corrections included, in alpha's own format. Imported elsewhere it counts the same, costs the same and is known by the same ids; users go by their ids.",
    args: { file: "compressed where its name ends in .gz; standard output unless given" },
    options: [
      new Option("--user <user>", "only calls of a tester"),
      new Option("--since <day>", "only calls that occurred from a day or instant on"),
      new Option("--until <day>", "only calls before a day or instant"),
    ],
    examples: [
      "alpha usage export usage.jsonl.gz",
      "alpha usage export --since 2026-11-01 --until 2026-12-01 | jq -s 'map(.output_tokens) | add'",
    ],
    confirms: true,
    load: () => import("./export.js"),
  });
}

function declareReprice(usage: Command, run: Run): void {
  declare(usage, run, {
    usage: "reprice",
    summary: "Price usage that is in the ledger by the prices that are known now",
    details:
      "Each event by the price in force when it occurred, a price of your own before the book's. Differences are entered as corrections. Stated costs are left as they are.",
    options: [
      new Option("--since <day>", "only usage from a day or instant on"),
      new Option("--until <day>", "only usage before a day or instant"),
      new Option("--model <model>", "only of a model, or several by a glob"),
      new Option("--provider <provider>", "only of a provider, or several by a glob"),
      new Option("--include-reported", "also usage whose log stated a cost, unless that was 0"),
      new Option("--reason <text>", "why, for the audit"),
    ],
    examples: [
      "alpha usage reprice --dry-run",
      "alpha usage reprice --since 2026-10-01 --model 'gpt-image-*' --yes",
    ],
    changes: true,
    confirms: true,
    tabular: true,
    load: () => import("./reprice.js"),
  });
}
