import { contentHash } from "./content-hash.js";
import type { Standing } from "./ledger-corrections.js";
import { type EventIdentity, hashForUser, hashWithoutUser } from "./ledger-model.js";
import type { UsageRecord } from "./usage.js";

/**
 * An event as it stands, as a record that another ledger can enter: it counts there as it does here, and whatever is
 * the same call for this ledger is the same for that one.
 * @param user the id that people see of its user
 */
export function exportedUsage(identity: EventIdentity, user: string, standing: Standing): UsageRecord {
  const { pricedBy, cost, assumed, requests } = standing;
  const record: UsageRecord = {
    source: identity.source,
    id: identity.id,
    providerId: identity.providerId,
    user,
    occurredAt: standing.occurredAt,
    provider: standing.provider,
    model: standing.model,
    feature: standing.feature,
    input: standing.input,
    cacheRead: standing.cacheRead,
    cacheWrite: standing.cacheWrite,
    output: standing.output,
    reasoning: standing.reasoning,
    images: standing.images,
    cost: pricedBy === "log" ? cost : null,
    status: standing.status,
    ...(requests === 1 ? {} : { requests }),
    ...(pricedBy === "log" ? {} : { priced: { cost, assumed, pricedBy } }),
    ...(standing.estimated ? { estimated: true } : {}),
  };
  const { userId } = standing;
  if (hashForUser(contentHash(record), userId) === identity.hash) return record;
  const hash = hashWithoutUser(identity.hash, userId);
  return hash === null ? record : { ...record, hash };
}
