import { type Ask, callCeiling, type DecidedUser } from "./decide.js";
import type { Stop } from "./emergency.js";
import type { LedgerRequest } from "./ledger-model.js";
import type { Meter } from "./meter.js";
import type { OwnPrices } from "./own-prices.js";
import { amountsWanted, type QuotedRates } from "./price-rule.js";
import { quotaStates } from "./quota-state.js";
import type { Settings } from "./settings.js";
import type { Instant } from "./window.js";

/** Who asks, and under what. */
export interface AskedBy {
  /** `null`: nobody of that name. */
  readonly user: DecidedUser | null;
  readonly stops: readonly Stop[];
  readonly settings: Settings;
  /** `null`: there are none. */
  readonly ownPrices: OwnPrices | null;
  readonly at: Instant;
}

/**
 * What a request asks for, with its cost stated or estimated under the settings in force. `maxTokens` becomes what may be
 * granted of it: the ceiling of one call, what is left of every quota for tokens, and what the cost left pays for.
 */
export function askOf(request: LedgerRequest, by: AskedBy): Ask {
  const { maxTokens } = request;
  const own = request.cost === null ? (by.ownPrices?.at(request, by.at) ?? null) : null;
  if (maxTokens === undefined) return asking(request, request.tokens, own, by.settings);
  const ceiling = by.user === null ? null : callCeiling(by.user, by.settings);
  const most = Math.min(maxTokens, ceiling ?? maxTokens);
  const whole = asking(request, most, own, by.settings);
  if (by.user === null) return { ...whole, maxTokens };
  const room = roomIn(whole, by.user, by);
  const fits = Math.min(most, room("tokens"));
  const granted = request.cost === null ? affordable(request, fits, room("cost"), own, by.settings) : fits;
  return { ...asking(request, granted, own, by.settings), maxTokens };
}

/** What is left of a meter in its tightest quota. One that is used up blocks the request by itself and clamps nothing. */
function roomIn(ask: Ask, user: DecidedUser, { stops, settings, at }: AskedBy): (meter: Meter) => number {
  const states = quotaStates(ask, user, stops, settings, at);
  return (meter) => {
    const left = states
      .filter((state) => state.meter === meter && state.touched && state.remaining > 0)
      .map((state) => state.remaining);
    return Math.min(Number.POSITIVE_INFINITY, ...left);
  };
}

/** The most tokens, up to `fits`, whose estimated cost is within `budget`; `fits` when not even one is: that is refused. */
function affordable(
  request: LedgerRequest,
  fits: number,
  budget: number,
  own: QuotedRates | null,
  settings: Settings,
): number {
  const costs = (tokens: number) => asking(request, tokens, own, settings).amounts.cost;
  if (costs(fits) <= budget) return fits;
  let enough = 0;
  let tooMany = fits;
  while (tooMany - enough > 1) {
    const middle = Math.floor((enough + tooMany) / 2);
    if (costs(middle) <= budget) enough = middle;
    else tooMany = middle;
  }
  return enough === 0 ? fits : enough;
}

function asking(
  request: LedgerRequest,
  tokens: number | null,
  own: QuotedRates | null,
  settings: Settings,
): Ask {
  const { provider, model, feature, zone } = request;
  const { amounts, unpriced } = amountsWanted(
    {
      tokens: tokens ?? 0,
      images: request.images ?? 0,
      cost: request.cost,
      namesModel: model !== "",
    },
    own,
    request.dearest,
    settings,
  );
  const statesAmounts = tokens !== null || request.images !== null;
  return { provider, model, feature, amounts, unpriced, statesAmounts, zone };
}
