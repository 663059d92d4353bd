import { removePrice } from "../../../engine/price-changes.js";
import { priceRemovedJson, priceRemovedText } from "../../../render/views/price-changes.js";
import { priceName, whenText } from "../../../render/views/prices.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly provider?: string;
  readonly from?: string;
  readonly reason?: string;
}

export default async function remove(
  context: Context,
  { args, options: { provider, from, reason } }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const engine = await context.engine();
  const named = {
    model: args[0] as string,
    ...(provider === undefined ? {} : { provider }),
    ...(from === undefined ? {} : { from }),
    ...(reason === undefined ? {} : { reason }),
  };
  // Tried before it is asked about: nobody should confirm what cannot be done.
  const { price, timeZone } = await removePrice(engine, named, { dryRun: true });
  const local = context.width === null ? null : timeZone;
  await context.confirm(
    `Remove the price of ${priceName(price)} from ${whenText(price.startsAt, local)} on?`,
  );
  const done = await removePrice(engine, named, { dryRun });
  context.changed({
    kind: "price-removed",
    data: priceRemovedJson(done),
    text: (style, width) => priceRemovedText(done, { dryRun, local, style, width }),
  });
}
