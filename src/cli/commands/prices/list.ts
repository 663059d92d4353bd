import { listPrices } from "../../../engine/prices.js";
import {
  listedOwnJson,
  modelsTable,
  ownTable,
  priceListJson,
  priceListText,
} from "../../../render/views/prices.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly own?: boolean;
  readonly unpriced?: boolean;
}

export default async function list(context: Context, { options }: Invocation<Options>): Promise<void> {
  const prices = await listPrices(await context.engine(), { unpriced: options.unpriced === true });
  const local = context.width === null ? null : prices.timeZone;
  const forPeople = context.format === "table";
  if (options.own === true) {
    context.show({
      kind: "own-prices",
      data: prices.own.map(listedOwnJson),
      meta: { count: prices.own.length },
      table: ownTable(prices.own, local, forPeople),
    });
    return;
  }
  const table = modelsTable(prices, local, forPeople);
  context.show({
    kind: "prices",
    data: priceListJson(prices),
    meta: { count: prices.models.length },
    table,
    // Who asks what is missing is not to look for it among what is there.
    ...(options.unpriced === true
      ? {}
      : { text: (style, width) => priceListText(prices, local, { style, width }) }),
  });
}
