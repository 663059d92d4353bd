import { type Command, Option } from "commander";
import { STATUS_SORTS } from "../../../render/views/status-view.js";
import { declare } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareStatus(program: Command, run: Run): void {
  declare(program, run, {
    usage: "status",
    summary: "Show on one screen whether all is well: stops, spending, who is blocked or near a limit",
    details:
      "The last hour is what occurred in the last 60 minutes; it is read backwards from the end of the ledger. --watch draws it anew in place as long as the terminal is looked at: q quits, s sorts by the next column, p pauses. JSON has everything, also what a screen has no room for; CSV and Markdown have one figure a row.",
    options: [
      new Option("--watch", "keep showing it, on a terminal"),
      new Option(
        "--interval <time>",
        "with --watch: how often it is drawn anew, such as 500ms or 5s (default: 2s)",
      ),
      new Option("--sort <column>", "by what the testers are sorted (default: cost)").choices([
        ...STATUS_SORTS,
      ]),
    ],
    examples: ["alpha status", "alpha status --watch", "alpha status --sort limit --json"],
    tabular: true,
    load: () => import("./status.js"),
  });
}
