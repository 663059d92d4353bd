import type { PriceBook } from "../../src/domain/price-book.js";
import { emergencyOn } from "../../src/engine/emergency.js";
import { forgiveUsage } from "../../src/engine/forgiveness.js";
import { setGuardrails } from "../../src/engine/guardrails.js";
import { addOverrides } from "../../src/engine/overrides.js";
import { setPrice } from "../../src/engine/price-changes.js";
import { resetDaily } from "../../src/engine/reset.js";
import { isPostgresUrl, urlParts } from "../../src/store/location.js";
import { KEYS, MOVED_TABLES } from "../../src/store/move-tables.js";
import { seededDatabase } from "./engine-on.js";
import { connectRaw } from "./postgres.js";
import { snapshot } from "./snapshot.js";
import { DAY, HOUR, MINUTE, type Row, record, reserve, settle, T0 } from "./store.js";

const NO_BOOK: PriceBook = {
  name: "test",
  version: "1",
  rates: () => null,
  dearest: () => null,
  describe: () => null,
};

const USERS = ["ada", "bob", "cleo"];

/** Fills a database with at least a row of everything: names beyond ASCII, sums beyond 32 bits, two months of usage. */
export async function fillEverything(database: string): Promise<void> {
  const users = USERS.map((id) => ({
    id,
    email: `${id}@example.com`,
    name: `${id} Ž🦊`,
    aliases: [`key-${id}`],
  }));
  await seededDatabase(database, users, {
    at: T0 - DAY,
    timeZone: "America/Sao_Paulo",
    prepare: async (engine) => {
      const { store } = engine;
      await setGuardrails(engine, {
        limits: [
          { meter: "cost", period: "day", limit: 5_000_000_000 },
          { meter: "tokens", period: "month", limit: 100 },
        ],
        action: "alert",
      });
      await addOverrides(engine, {
        user: "cleo",
        quotas: [{ meter: "tokens", period: "day", limit: 80_000 }],
        reason: "load 'test'\n\"quoted\" \\N {a,b}",
      });
      const rates = { input: 1, cacheRead: null, cacheWrite: null, output: 2, image: null, request: null };
      const priced = { ...engine, prices: async () => NO_BOOK };
      await setPrice(priced, { model: "un*", rates });
      await setPrice(priced, { model: "un*", rates: { ...rates, output: 3 } });
      const start = { at: T0, actor: "olga", file: "über.jsonl", format: "alpha", options: "{}" };
      const importId = await store.write((tx) => tx.records.startImport(start));
      const calls = Array.from({ length: 60 }, (_, n) =>
        record(`call ${n % 50}`, {
          user: USERS[n % 3]!,
          hash: n * 150_000_000_000_000,
          model: ["", "known", "unmöglich"][n % 3]!,
          occurredAt: T0 - n * DAY,
          output: n,
          cost: n % 4 === 0 ? null : n * 5_000_000_000,
          importId: n % 2 === 0 ? importId : null,
          ...(n % 5 === 0 ? { providerId: `chatcmpl-${n}` } : {}),
        }),
      );
      await store.meter.commit([
        reserve("r_settled", { tokens: 10 }, "cleo", T0 - HOUR),
        reserve("r_held", { tokens: 100 }, "cleo", T0 - MINUTE),
        reserve("r_refused", { tokens: 9_000_000 }, "bob", T0 - MINUTE),
      ]);
      await store.meter.commit([settle("r_settled", { user: "cleo" })]);
      // After the reservations, which they would have refused.
      await store.meter.commit(calls);
      const tally = { inserted: 30, superseded: 0, duplicate: 0, rejected: 1, skipped: 0 };
      await store.write((tx) => tx.records.finishImport(importId, { at: T0, ...tally }));
      engine.at = T0;
      await forgiveUsage(engine, { user: "ada" });
      await emergencyOn(engine, { user: "bob", throttle: true, reason: "no end" });
      await resetDaily(engine);
      await store.write(async (tx) => {
        const client = { kind: "library", host: "web-1", pid: 7, failOpen: true, openedAt: T0 } as const;
        await tx.records.noteClient(client);
        const sums = { requests: 0n, tokens: 0n, images: 0n, cost: 0n, assumed: 0n };
        const month = 1999 * 12;
        await tx.sealing.seal({ month, sealedAt: T0, actor: "olga", events: 0, ...sums });
      });
    },
  });
}

/** Every row of every table that is moved, in the order of their keys. */
export async function contents(database: string): Promise<Record<string, Row[]>> {
  const found = isPostgresUrl(database)
    ? await onServer(database)
    : (snapshot(database) as Record<string, Row[]>);
  return Object.fromEntries(
    MOVED_TABLES.map((table) => {
      const keyOf = (row: Row) => KEYS[table].map((name) => row[name] as never);
      return [table, [...found[table]!].sort((a, b) => compare(keyOf(a), keyOf(b)))];
    }),
  );
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  if (at === -1) return 0;
  return a[at]! < b[at]! ? -1 : 1;
}

async function onServer(url: string): Promise<Record<string, Row[]>> {
  const raw = await connectRaw(urlParts(url).database);
  const found: Record<string, Row[]> = {};
  for (const table of MOVED_TABLES) found[table] = (await raw.query(`select * from "${table}"`)).rows;
  await raw.end();
  return found;
}
