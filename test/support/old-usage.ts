import type { AddUser } from "../../src/engine/users.js";
import { NOW } from "./cli.js";
import type { Seed } from "./engine-on.js";
import { record, reserve } from "./store.js";

const at = (text: string) => Date.parse(`${text}T10:00:00Z`);

/** Two testers with three calls of 15 tokens at $0.000001, two of them before November, and one that is under way. */
export const OLD_USAGE: readonly [users: readonly AddUser[], seed: Seed] = [
  [{ id: "ada", email: "ada@example.com" }, { id: "bob" }],
  {
    at: at("2026-09-01"),
    prepare: ({ store }) =>
      store.meter.commit([
        record("1", { occurredAt: at("2026-09-30") }),
        record("2", { occurredAt: at("2026-10-01"), user: "bob", images: 3 }),
        record("3", { occurredAt: at("2026-11-20") }),
        reserve("r1", {}, "ada", NOW),
      ]),
  },
];
