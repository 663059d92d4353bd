import { showPrice } from "../../../engine/prices.js";
import { shownPriceJson, shownPriceTable, shownPriceText } from "../../../render/views/price-show.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly provider?: string;
  readonly at?: string;
}

export default async function show(
  context: Context,
  { args, options: { provider, at } }: Invocation<Options>,
): Promise<void> {
  const shown = await showPrice(await context.engine(), {
    model: args[0] as string,
    ...(provider === undefined ? {} : { provider }),
    ...(at === undefined ? {} : { at }),
  });
  const local = context.width === null ? null : shown.timeZone;
  context.show({
    kind: "price",
    data: shownPriceJson(shown),
    table: shownPriceTable(shown, local, context.format === "table"),
    text: (style, width) => shownPriceText(shown, local, { style, width }),
  });
}
