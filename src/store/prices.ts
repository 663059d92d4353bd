import { type OwnPrice, OwnPrices } from "../domain/own-prices.js";
import type { AsOf, PricesWriting } from "../engine/ports.js";
import { inForce } from "./in-force.js";
import type { Db, Schema } from "./schema.js";

const RATES = ["input", "cache_read", "cache_write", "output", "image", "request"] as const;
type RateColumns = Pick<Schema["price"], (typeof RATES)[number]>;

function priceOf(
  row: RateColumns & { id: number; provider: string; model: string; starts_at: number },
): OwnPrice {
  const { id, provider, model, starts_at: startsAt, input, output, image, request } = row;
  const rates = { input, cacheRead: row.cache_read, cacheWrite: row.cache_write, output, image, request };
  return { id, provider, model, startsAt, rates };
}

async function pricesInForce(db: Db, asOf: AsOf = null): Promise<OwnPrice[]> {
  const rows = await db
    .selectFrom("price")
    .select(["id", "provider", "model", "starts_at", ...RATES])
    .where(inForce("price", asOf))
    .orderBy("provider")
    .orderBy("model")
    .orderBy("starts_at")
    .execute();
  return rows.map(priceOf);
}

/** The operator's own prices as decisions need them; `null` where there are none, so that they cost nothing. */
export async function loadOwnPrices(db: Db, asOf: AsOf = null): Promise<OwnPrices | null> {
  const prices = await pricesInForce(db, asOf);
  return prices.length === 0 ? null : new OwnPrices(prices);
}

export function pricesOn(db: Db): PricesWriting {
  return {
    own: () => pricesInForce(db),
    async models() {
      return await db
        .selectFrom("call_kind")
        .select(["provider", "model"])
        .distinct()
        .orderBy("provider")
        .orderBy("model")
        .execute();
    },
    async add({ provider, model, startsAt, rates }, at) {
      const row = await db
        .insertInto("price")
        .values({
          provider,
          model,
          starts_at: startsAt,
          input: rates.input,
          cache_read: rates.cacheRead,
          cache_write: rates.cacheWrite,
          output: rates.output,
          image: rates.image,
          request: rates.request,
          valid_from: at,
        })
        .returning("id")
        .executeTakeFirstOrThrow();
      return { id: row.id, provider, model, startsAt, rates };
    },
    async end(id, at) {
      await db.updateTable("price").set({ valid_to: at }).where("id", "=", id).execute();
    },
  };
}
