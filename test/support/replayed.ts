import { expiredBefore } from "../../src/domain/ledger-event.js";
import { addAmounts, noAmounts } from "../../src/domain/meter.js";
import type { Happening, RulesHistory, UsedThen } from "../../src/domain/simulate-model.js";
import { totalTokens } from "../../src/domain/usage.js";
import type { Instant } from "../../src/domain/window.js";
import type { ModelConfig, ModelStore } from "./ledger-model.js";

/** What a store tells a simulation, in its order. */
export function happeningsOf(store: ModelStore): Happening[] {
  const happenings: Happening[] = store.refusedCalls.map((call) => ({ what: "refused", ...call }));
  for (const [index, row] of store.ledger.entries()) {
    const { userId, provider, model, feature, occurredAt, recordedAt } = row;
    const reserved = "corrects" in row ? null : row.reserved;
    const reservedAt = reserved?.createdAt ?? null;
    const { images, requests } = row;
    const used: UsedThen = {
      what: "used",
      at: Math.max(recordedAt, reservedAt ?? recordedAt),
      userId,
      event: index + 1,
      occurredAt,
      amounts: { tokens: totalTokens(row), images, cost: row.cost + row.assumed, requests },
      reservedAt,
      part: "corrects" in row ? null : row.part,
      corrects: "corrects" in row ? row.corrects : null,
    };
    if (reserved === null || requests === 0) {
      happenings.push(used);
      continue;
    }
    const asked = { ...reserved.amounts, requests: 1 };
    const kind = { provider, model, feature };
    const heldUntil = expiredBefore({ reserved, recordedAt });
    happenings.push({ what: "admitted", at: reserved.createdAt, userId, kind, asked, heldUntil, used });
  }
  const rank = ({ what }: Happening) => (what === "used" ? 1 : 0);
  return happenings
    .map((happening, index) => ({ happening, index }))
    .sort(
      (a, b) => a.happening.at - b.happening.at || rank(a.happening) - rank(b.happening) || a.index - b.index,
    )
    .map(({ happening }) => happening);
}

/** The rules of a store whose configuration was changed at some instants, as its database would tell them. */
export function historyOf(
  configs: readonly { readonly from: Instant; readonly config: ModelConfig }[],
): RulesHistory {
  const users = configs[0]?.config.users ?? [];
  return {
    settings: configs.map(({ from, config }) => ({ from, value: config.settings })),
    tiers: configs.map(({ from, config }) => ({
      from,
      value: new Map(config.users.map(({ tier }) => [tier.key, tier])),
    })),
    throttles: configs.map(({ from, config }) => ({
      from,
      value: config.stops.filter(({ action }) => action === "throttle"),
    })),
    memberships: configs.flatMap(({ from, config }) =>
      config.users.map(({ id, tier }) => ({ userId: id, tier: tier.key, from })),
    ),
    overrides: configs.flatMap(({ from, config }, index) =>
      config.users.flatMap(({ id, overrides }) =>
        overrides.map((override) => ({
          userId: id,
          override: { ...override, since: from },
          ended: configs[index + 1]?.from ?? null,
        })),
      ),
    ),
    forgiveness: users.flatMap(({ id, forgiven }) =>
      [...(forgiven ?? [])].flatMap(([key, amounts]) =>
        Object.entries(addAmounts(noAmounts(), amounts)).map(([meter, amount]) => ({
          userId: id,
          period: key % 2 === 0 ? ("day" as const) : ("month" as const),
          index: Math.floor(key / 2),
          meter: meter as "tokens",
          at: 0,
          amount,
        })),
      ),
    ),
  };
}
