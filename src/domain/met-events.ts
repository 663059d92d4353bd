import type { BatchCorrections } from "./batch-corrections.js";
import { eventKey, type LedgerState, partIdentity } from "./ledger-model.js";

type Known = Pick<LedgerState, "knownEvents" | "knownProviderIds">;

/** The events that a batch has brought, or that the ledger had, less those that the batch has taken back. */
export class MetEvents {
  /** Content hashes of what the batch has brought, by `eventKey`. */
  readonly brought = new Map<string, number>();
  readonly #providerIds = new Set<string>();

  constructor(
    private readonly ledger: Known,
    /** What the batch corrects; `null` while it has corrected nothing. */
    private readonly corrections: () => BatchCorrections | null,
  ) {}

  /** @param providerId `null`: not stated */
  add(key: string, hash: number, providerId: string | null): void {
    this.brought.set(key, hash);
    if (providerId !== null) this.#providerIds.add(providerId);
  }

  /** The content hash that an identity stands for. */
  hash(key: string): number | undefined {
    const brought = this.brought.get(key);
    if (brought !== undefined || this.corrections()?.isFree(key) === true) return brought;
    return this.ledger.knownEvents.get(key);
  }

  hasProviderId(providerId: string): boolean {
    if (this.#providerIds.has(providerId)) return true;
    return (
      this.ledger.knownProviderIds.has(providerId) &&
      this.corrections()?.isFreeProviderId(providerId) !== true
    );
  }

  /** Whether anything that a call used was counted. */
  hasAnyOf(source: string, id: string): boolean {
    return this.hasEnd(source, id) || this.hasFirstPart(source, id);
  }

  /** Whether what a call came to in the end was counted. */
  hasEnd(source: string, id: string): boolean {
    return this.hash(eventKey(source, id)) !== undefined;
  }

  hasFirstPart(source: string, id: string): boolean {
    const first = partIdentity(source, id, 1);
    return this.hasEnd(first.source, first.id);
  }
}
