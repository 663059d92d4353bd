import fc from "fast-check";
import { expect, test } from "vitest";
import type { LedgerEvent } from "../../src/domain/ledger-model.js";
import { CORRECTED_CONFIG, cut, cuts, LATE, operationsOf, rounds } from "../support/corrected-stream.js";
import { type ModelConfig, ModelStore } from "../support/ledger-model.js";
import { OWN_PRICE_LIST, streamsInParts } from "../support/ledger-stream.js";
import { change, newUser, type Row, type TestDatabase } from "../support/store.js";
import { everyStore } from "./describe-store.js";

/** Puts into a store what the model is configured with. */
async function configure({ store, insert }: TestDatabase, config: ModelConfig): Promise<void> {
  await change(store, async (tx) => {
    const { time_zone, unpriced, hold_ttl } = config.settings;
    await tx.settings.set("time_zone", time_zone, 0);
    await tx.settings.set("unpriced", unpriced, 0);
    await tx.settings.set("hold_ttl", hold_ttl, 0);
    if (config.ownPrices) for (const { id: _, ...price } of OWN_PRICE_LIST) await tx.prices.add(price, 0);
    for (const { tier } of config.users) await tx.tiers.save(tier, 0);
    for (const { id, names, tier, status } of config.users) {
      const [key = "", ...aliases] = names;
      const added = await tx.users.add(newUser(key, { aliases, tier: tier.key }), 0);
      expect(added.id).toBe(id);
      if (status !== "active") await tx.users.setMembership(id, { tier: tier.key, status }, 0);
    }
    for (const { action, scope, reason, actor, since, until } of config.stops) {
      const none = { userId: null, tier: null, provider: null, model: null, feature: null };
      await tx.emergency.start({ ...none, ...scope, action, reason, actor, until }, since);
    }
  });
  for (const { id: user_id, overrides, forgiven } of config.users) {
    for (const override of overrides) {
      const { id, kind, reason, since, until } = override;
      const what =
        override.kind === "quota"
          ? { meter: override.meter, period: override.period, limit_amount: override.limit }
          : { feature: override.feature, granted: override.granted ? 1 : 0 };
      await insert("override", { id, user_id, kind, reason, valid_from: since, expires_at: until, ...what });
    }
    for (const [key, amounts] of forgiven ?? []) {
      const window = { user_id, period: key % 2 === 0 ? "day" : "month", window_index: Math.floor(key / 2) };
      for (const [meter, amount] of Object.entries(amounts)) {
        // In two parts, which are one forgiveness.
        await insert("forgiveness", { ...window, meter, amount: Math.floor(amount / 2), forgiven_at: 1 });
        await insert("forgiveness", { ...window, meter, amount: Math.ceil(amount / 2), forgiven_at: 2 });
      }
    }
  }
}

const num = (row: Row, column: string) => Number(row[column]);
const text = (row: Row, column: string) => String(row[column]);

/** What a store keeps, in the model's words and without order. */
async function kept({ store, rows }: TestDatabase) {
  const kinds = new Map((await rows("call_kind")).map((row) => [row.id, row]));
  const kindOf = (row: Row) => {
    const kind = kinds.get(row.call_kind_id)!;
    return { provider: text(kind, "provider"), model: text(kind, "model"), feature: text(kind, "feature") };
  };
  const amountsOf = (row: Row) => ({
    tokens: num(row, "tokens"),
    images: num(row, "images"),
    cost: num(row, "cost"),
    requests: num(row, "requests"),
  });
  const sources = new Map((await rows("event_source")).map((row) => [row.id, text(row, "name")]));
  const events = await store.read((tx) => tx.usage.events({ limit: 1_000 }));
  return {
    // Which of several identities is listed is another test's matter.
    events: events
      .reverse()
      .map(({ number: _, user: __, email: ___, id: ____, source: _____, ...event }) => ({
        ...event,
        providerId: null,
      })),
    keys: set(
      (await rows("event_key")).map((row) => ({
        source: sources.get(row.source_id),
        id: row.id,
        hash: row.hash,
        providerId: row.provider_id,
        event: row.event_id,
        metAgainBy: row.import_id,
      })),
    ),
    windows: set(
      (await rows("usage_window")).map((row) => [
        `${row.user_id}/${row.period}/${row.window_index}`,
        amountsOf(row),
      ]),
    ),
    days: set(
      (await rows("usage_day")).map((row) => ({
        userId: num(row, "user_id"),
        day: num(row, "day"),
        ...kindOf(row),
        input: num(row, "input"),
        cacheRead: num(row, "cache_read"),
        cacheWrite: num(row, "cache_write"),
        output: num(row, "output"),
        reasoning: num(row, "reasoning"),
        images: num(row, "images"),
        requests: num(row, "requests"),
        cost: num(row, "cost"),
        assumed: num(row, "assumed"),
        unpriced: num(row, "unpriced"),
      })),
    ),
    holds: set(
      (await rows("hold")).map((row) => [
        `${row.user_id}/${row.id}`,
        {
          id: row.id,
          amounts: amountsOf(row),
          kind: kindOf(row),
          createdAt: num(row, "created_at"),
          expiresAt: num(row, "expires_at"),
        },
      ]),
    ),
    admissions: (await rows("usage_event")).map((row) => ({
      reservedAt: row.reserved_at,
      tokens: row.asked_tokens,
      images: row.asked_images,
      cost: row.asked_cost,
      part: row.part,
    })),
    refusedCalls: (await rows("refused_call")).map((row) =>
      ordered({
        userId: row.user_id,
        day: row.day,
        at: row.at,
        kind: kindOf(row),
        amounts: amountsOf(row),
        statesAmounts: row.states_amounts === 1,
        code: row.code,
        meter: row.meter,
        period: row.period,
        seen: JSON.parse(text(row, "seen")),
      }),
    ),
    refusals: set(
      (await rows("refusal")).map(({ user_id, ...row }) => ({ ...row, userId: num({ user_id }, "user_id") })),
    ),
    alerts: set(
      (await rows("alert")).map(({ id: _, printed_at: __, user_id, window_index, ...row }) => ({
        ...row,
        userId: user_id,
        index: window_index,
      })),
    ),
  };
}

function modelled(model: ModelStore): Awaited<ReturnType<typeof kept>> {
  const { windows, days, holds, refusals, refusedCalls, alerts } = model.snapshot();
  return {
    events: model.ledger.map(listed),
    keys: set([...model.keys.values()]),
    windows: set([...windows]),
    days: set([...days]),
    holds: set([...holds]),
    admissions: model.ledger.map((row) => {
      const { reserved = null, part = null } = "corrects" in row ? {} : row;
      const { tokens = null, images = null, cost = null } = reserved?.amounts ?? {};
      return { reservedAt: reserved?.createdAt ?? null, tokens, images, cost, part };
    }),
    refusedCalls: refusedCalls.map(ordered),
    refusals: set([...refusals]),
    alerts: set([...alerts]),
  };
}

/** A row of the ledger as it is listed, without its identity. */
function listed(row: ModelStore["ledger"][number]) {
  const { userId: _, unpriced: __, ...rest } = row;
  const {
    corrects = null,
    source: ___,
    id: ____,
    hash: _____,
    reserved: ______,
    part: _______,
    ...event
  } = rest as typeof rest & Partial<LedgerEvent & { corrects: number }>;
  return { ...event, corrects, providerId: null };
}

/** Rows in an order of their own: sorted as text, with their fields in order. */
function set(rows: readonly unknown[]): string[] {
  return rows.map((row) => JSON.stringify(ordered(row))).sort();
}

function ordered(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, ordered(item)]),
  );
}

everyStore((fresh) => {
  test("any stream in any batches, over several connections, is what the pure core makes of it", async () => {
    await fc.assert(
      fc.asyncProperty(
        streamsInParts,
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
        async ({ config, operations }, sizes) => {
          const database = await fresh();
          await configure(database, config);
          // The store keeps quotas in an order of its own, which decides between two that bind alike.
          const tiers = new Map(
            (await database.store.read((tx) => tx.tiers.list())).map((tier) => [tier.key, tier]),
          );
          const users = config.users.map((user) => ({ ...user, tier: tiers.get(user.tier.key)! }));
          const meters = [database.store.meter, (await database.open()).meter];
          const outcomes = [];
          for (let at = 0, batch = 0; at < operations.length; batch++) {
            const size = sizes[batch % sizes.length]!;
            const meter = meters[batch % meters.length]!;
            outcomes.push(...(await meter.commit(operations.slice(at, at + size))));
            at += size;
          }
          const model = new ModelStore({ ...config, users });
          const expected = operations.flatMap((operation) => model.apply([operation]));
          expect(outcomes).toEqual(expected);
          expect(await kept(database)).toEqual(modelled(model));
          await database.drop();
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  test("so are corrections: superseding, undoing and repricing", async () => {
    await fc.assert(
      fc.asyncProperty(rounds, cuts, async (all, sizes) => {
        const database = await fresh();
        await configure(database, CORRECTED_CONFIG);
        const meters = [database.store.meter, (await database.open()).meter];
        const model = new ModelStore(CORRECTED_CONFIG);
        for (const [index, round] of all.entries()) {
          const operations = operationsOf(model, round, LATE + index * 600_000);
          for (const [batch, each] of cut(operations, sizes).entries()) {
            const meter = meters[batch % meters.length]!;
            const previewed = await meter.preview(each);
            const outcomes = await meter.commit(each);
            expect(outcomes).toEqual(model.apply(each));
            expect(previewed).toEqual(outcomes);
          }
        }
        expect(await kept(database)).toEqual(modelled(model));
        await database.drop();
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
