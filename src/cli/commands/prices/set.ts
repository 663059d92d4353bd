import { NO_RATES, RATE_UNITS, type RateUnit } from "../../../domain/own-price-rules.js";
import type { Rates } from "../../../domain/price.js";
import { setPrice } from "../../../engine/price-changes.js";
import {
  priceSetJson,
  priceSetText,
  priceWarnings,
  RATE_OPTIONS,
} from "../../../render/views/price-changes.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseMoney } from "../../values.js";

type RateOptions = Readonly<Partial<Record<(typeof KEYS)[RateUnit], string>>>;
type Options = RateOptions & {
  readonly provider?: string;
  readonly from?: string;
  readonly reason?: string;
};

/** Under which key commander hands each rate over. */
const KEYS = {
  input: "input",
  cacheRead: "cachedInput",
  cacheWrite: "cacheWrite",
  output: "output",
  image: "image",
  request: "call",
} as const satisfies Record<RateUnit, string>;

export default async function set(context: Context, { args, options }: Invocation<Options>): Promise<void> {
  const { provider, from, reason } = options;
  const { dryRun } = context;
  const rates = ratesOf(options);
  const done = await setPrice(
    await context.engine(),
    {
      model: args[0] as string,
      rates,
      ...(provider === undefined ? {} : { provider }),
      ...(from === undefined ? {} : { from }),
      ...(reason === undefined ? {} : { reason }),
    },
    { dryRun },
  );
  const local = context.width === null ? null : done.timeZone;
  context.changed({
    kind: "price-set",
    data: priceSetJson(done),
    text: (style, width) => priceSetText(done, { dryRun, local, style, width }),
  });
  for (const warning of priceWarnings(done)) context.warn(warning);
}

function ratesOf(options: RateOptions): Rates {
  const stated = RATE_UNITS.flatMap((unit) => {
    const text = options[KEYS[unit]];
    return text === undefined ? [] : [[unit, parseMoney(RATE_OPTIONS[unit], text)] as const];
  });
  return { ...NO_RATES, ...Object.fromEntries(stated) };
}
