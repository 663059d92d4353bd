import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareHolds(program: Command, run: Run): void {
  const holds = noun(program, "holds", "See what calls in progress hold, and give it back");
  declare(holds, run, {
    usage: "list",
    summary: "List what is reserved: whose, for what, how old, until when",
    details:
      "A hold takes room from its tester's limits until it is settled, released or expires. One that expired takes none, and stays in the list until the day is closed: nobody settled it.",
    options: [
      new Option("--user <user>", "only those of one tester: id, email or alias"),
      new Option("--expired", "only those that expired with nobody having settled them"),
    ],
    examples: [
      "alpha holds list",
      "alpha holds list --user ada@example.com",
      "alpha holds list --expired --json",
    ],
    tabular: true,
    load: () => import("./list.js"),
  });
  declare(holds, run, {
    usage: "release [ids...]",
    summary: "Give the room of holds back, from the next decision on in every process",
    details:
      "Either the given ids, or all of one tester, or all that expired; --user narrows the others down. A call whose hold was released may still settle, and its usage counts. Asks before it releases more than one that is still live.",
    args: { ids: "ids of holds, as alpha holds list shows them" },
    options: [
      new Option("--user <user>", "those of one tester: id, email or alias"),
      new Option("--expired", "those that expired with nobody having settled them"),
      new Option("--reason <text>", "why, for the audit"),
    ],
    examples: [
      "alpha holds release r_1kr2bxm008q4wv1n7t0cz3ek",
      "alpha holds release --user ada@example.com --reason 'worker crashed' --yes",
      "alpha holds release --expired --dry-run",
    ],
    changes: true,
    confirms: true,
    load: () => import("./release.js"),
  });
}
