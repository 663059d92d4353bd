import { type Command, Option } from "commander";
import { declare, noun } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareUsers(program: Command, run: Run): void {
  const users = noun(program, "users", "Onboard testers, move them between tiers, suspend them");
  declare(users, run, {
    usage: "list",
    summary: "List the testers",
    options: [
      new Option("--tier <tier>", "only those on a tier"),
      new Option("--status <status>", "only those who are").choices(["active", "suspended"]),
      new Option("--search <text>", "only those whose id, email, name or alias contains it"),
    ],
    examples: ["alpha users list", "alpha users list --tier pro --json"],
    tabular: true,
    load: () => import("./list.js"),
  });
}
