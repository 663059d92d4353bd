import { expect, test } from "vitest";
import type { Operation } from "../../src/domain/ledger-model.js";
import type { IdentityCursor } from "../../src/engine/ports/imports.js";
import type { IdentifiedEvent, IdentifiedFilter, Page } from "../../src/engine/ports/ledger.js";
import { type entry, populate, record, reserve, settle, T0, type TestDatabase } from "../support/store.js";
import { everyStore } from "./describe-store.js";

/** A call that the given import met in a gateway's log. */
const logged = (id: string, importId: number, more: Partial<ReturnType<typeof entry>> = {}): Operation =>
  record(id, { source: "gateway", importId, ...more });

const undo = (event: number, source: string, id: string, importId: number): Operation => ({
  op: "correct",
  user: "ada",
  event,
  correction: { to: "undo", source, id, importId, undone: new Set() },
  at: T0,
});

async function all({ store }: TestDatabase, filter: IdentifiedFilter = {}, limit = 100) {
  const found: IdentifiedEvent[] = [];
  let after: IdentityCursor | null = null;
  do {
    const page: Page<IdentifiedEvent, IdentityCursor> = await store.read((tx) =>
      tx.ledger.identified(filter, { after, limit }),
    );
    found.push(...page.rows);
    after = page.next;
  } while (after !== null);
  return found;
}

const names = (events: readonly IdentifiedEvent[]) =>
  events.map(({ identity, user }) => `${user} ${identity.source} ${identity.id}`);

everyStore((fresh) => {
  test("events come by source and id, each once, whatever the size of a page", async () => {
    const database = await fresh();
    const [, bob] = await populate(database.store, "ada", "bob");
    await database.store.meter.commit([
      reserve("live-1"),
      record("c", { user: "bob" }),
      record("a"),
      record("b", { user: "bob" }),
      settle("live-1", { source: "live" }),
    ]);
    const expected = ["ada live live-1", "ada test a", "bob test b", "bob test c"];
    for (const limit of [1, 2, 3, 4, 100]) expect(names(await all(database, {}, limit))).toEqual(expected);
    expect(names(await all(database, { userId: bob?.id ?? 0 }, 1))).toEqual(["bob test b", "bob test c"]);
    expect(await all(database, { userId: 99 })).toEqual([]);
  });

  test("an event stands as its corrections leave it, and is gone when it was taken back", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    const snapshot = (input: number, at: number) =>
      logged("s", 1, { supersedes: true, hash: input, input, occurredAt: at, cost: input });
    await database.store.meter.commit([logged("gone", 2), snapshot(10, T0)]);
    await database.store.meter.commit([snapshot(25, T0 + 1)]);
    await database.store.meter.commit([undo(1, "gateway", "gone", 2)]);
    expect(await all(database)).toMatchObject([
      {
        identity: { source: "gateway", id: "s", providerId: null },
        standing: { input: 25, output: 5, requests: 1, cost: 25, occurredAt: T0 + 1 },
      },
    ]);
  });

  test("a call that was met under two ids is one event, under the id that it was entered under", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    await database.store.meter.commit([logged("first", 1, { providerId: "chatcmpl-1" })]);
    await database.store.meter.commit([record("second", { providerId: "chatcmpl-1" })]);
    const known = async () => (await all(database)).map(({ identity }) => identity);
    expect(await known()).toMatchObject([{ source: "gateway", id: "first", providerId: "chatcmpl-1" }]);
    // Its import is undone, and the call stays, since live metering has met it, too.
    await database.store.meter.commit([undo(1, "gateway", "first", 1)]);
    expect(await known()).toMatchObject([{ source: "test", id: "second", providerId: "chatcmpl-1" }]);
  });
});
