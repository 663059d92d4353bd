import type { Ask } from "./decide.js";
import type { LedgerRequest } from "./ledger-model.js";
import { amountsWanted } from "./price-rule.js";
import type { Settings } from "./settings.js";

/** What a request asks for, with its cost stated or estimated under the settings in force. */
export function askOf(request: LedgerRequest, settings: Settings): Ask {
  const { provider, model, feature } = request;
  const { amounts, unpriced } = amountsWanted(
    {
      tokens: request.tokens ?? 0,
      images: request.images ?? 0,
      cost: request.cost,
      namesModel: model !== "",
    },
    request.dearest,
    settings,
  );
  const statesAmounts = request.tokens !== null || request.images !== null;
  return { provider, model, feature, amounts, unpriced, statesAmounts };
}
