import type { AddUser } from "../../src/engine/users.js";
import { NOW } from "./cli.js";
import type { Seed } from "./engine-on.js";
import { HOUR, record } from "./store.js";

const AT = NOW - HOUR;

/** Made an hour ago, with a product: nothing but a budget is missing. */
export const HEALTHY: readonly [users: readonly AddUser[], seed: Seed] = [
  [{ id: "ada" }],
  {
    at: AT,
    prepare: async ({ store }) => {
      const client = { kind: "library", host: "web-1", pid: 7, failOpen: false, openedAt: AT } as const;
      await store.write((tx) => tx.records.noteClient(client));
      await store.meter.commit([record("1", { user: "ada", cost: 5, occurredAt: AT }, AT)]);
    },
  },
];
