import { type Command, Option } from "commander";
import { GUARDRAIL_ACTIONS } from "../../../domain/guardrail.js";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";
import { GUARDRAIL_OPTIONS } from "./guardrail-options.js";

export function declareGuardrails(program: Command, run: Run): void {
  const guardrails = noun(program, "guardrails", "Limit what all testers together may use");
  declare(guardrails, run, {
    usage: "show",
    summary: "Show the guardrails: how full each is, what it does, and whether it has tripped",
    details:
      "What counts is what all testers settled in the running day or month, and what calls in progress hold. A guardrail trips once a window, in the transaction that reaches it; what it turned on is an emergency stop like any other, and lifted it stays lifted until the window ends or the limit changes.",
    examples: ["alpha guardrails show", "alpha guardrails show --json"],
    tabular: true,
    load: () => import("./show.js"),
  });
  declare(guardrails, run, {
    usage: "set",
    summary: "Set limits on what all testers together may use, and what happens when one is reached",
    details:
      "One of each: cost and tokens, by day and by month of the accounting zone. Setting one again replaces it; with another limit it may trip anew in the same window.",
    options: [
      ...GUARDRAIL_OPTIONS.map(
        ({ flag, meter, period }) =>
          new Option(
            `${flag} <${meter === "cost" ? "usd" : "count"}>`,
            `${meter} of all testers a ${period}`,
          ),
      ),
      new Option(
        "--action <action>",
        "what happens when it is reached: every call is stopped, everybody is held to the emergency limits, or only an alert is written (default: as it was; of a new one, stop)",
      ).choices([...GUARDRAIL_ACTIONS]),
      new Option("--reason <text>", "why, for the audit"),
    ],
    examples: [
      "alpha guardrails set --daily-cost 25",
      "alpha guardrails set --monthly-cost 500 --action alert",
      "alpha guardrails set --daily-cost 40 --daily-tokens 2,000,000 --action throttle --reason 'launch week'",
    ],
    changes: true,
    load: () => import("./set.js"),
  });
  declare(guardrails, run, {
    usage: "clear",
    summary: "End guardrails: nothing watches what they watched",
    details: "What a guardrail has turned on stays on; lift it with: alpha emergency-stop off",
    options: [
      ...GUARDRAIL_OPTIONS.map(
        ({ flag, meter, period }) => new Option(flag, `the one on ${meter} of all testers a ${period}`),
      ),
      new Option("--all", "all that there are"),
      new Option("--reason <text>", "why, for the audit"),
    ],
    examples: ["alpha guardrails clear --daily-cost --yes", "alpha guardrails clear --all --dry-run"],
    changes: true,
    confirms: true,
    load: () => import("./clear.js"),
  });
}
