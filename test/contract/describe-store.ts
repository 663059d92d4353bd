import { describe, onTestFinished } from "vitest";
import type { OpenFresh, TestDatabase } from "../support/store.js";
import { STORES } from "./stores.js";

/** Opens a database that is dropped when the test has ended. */
export type Fresh = () => Promise<TestDatabase>;

function describeStore(name: string, openFresh: OpenFresh, contract: (fresh: Fresh) => void): void {
  describe(name, () => {
    contract(async () => {
      const database = await openFresh();
      onTestFinished(() => database.drop());
      return database;
    });
  });
}

/** Declares a part of the contract for every store. */
export function everyStore(contract: (fresh: Fresh) => void): void {
  for (const { name, openFresh } of STORES) describeStore(name, openFresh, contract);
}
