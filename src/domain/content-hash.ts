import type { UsageRecord } from "./usage.js";

/** Everything about a record that changes what is counted. For whom is not in it: the ledger adds that. */
export type UsageContent = Omit<UsageRecord, "source" | "id" | "user">;

const SEED_A = 0x9e3779b9;
const SEED_B = 0x85ebca6b;
const TWO_32 = 0x1_0000_0000;

/** Hashes of the texts met so far: providers, models and features are few, and come with every call. */
const known = new Map<string, number>();
const MOST_KNOWN = 1_000;

function textHash(value: string): number {
  let a = SEED_A ^ value.length;
  let b = SEED_B;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x2c1b3c6d);
    a ^= a >>> 15;
    b = Math.imul(b + unit + 0x165667b1, 0x297a2d39);
    b ^= b >>> 13;
  }
  return (b & 0x1f_ffff) * TWO_32 + (a >>> 0);
}

function knownTextHash(value: string): number {
  let hash = known.get(value);
  if (hash === undefined) {
    if (known.size >= MOST_KNOWN) known.clear();
    hash = textHash(value);
    known.set(value, hash);
  }
  return hash;
}

/**
 * A 53-bit hash of the content, to tell a duplicate from a conflict among records of one id. Not for untrusted
 * collisions; it is kept in the database, so changing it makes every known record look like a conflict.
 */
export function contentHash(content: UsageContent): number {
  let a = SEED_A;
  let b = SEED_B;

  const word = (value: number): void => {
    a = Math.imul(a ^ value, 0x2c1b3c6d);
    a ^= a >>> 15;
    b = Math.imul(b + value + 0x165667b1, 0x297a2d39);
    b ^= b >>> 13;
  };
  const integer = (value: number): void => {
    word(value | 0);
    word(Math.floor(value / TWO_32));
  };
  // Each text is hashed by itself, which keeps ("ab", "c") apart from ("a", "bc").
  const text = (value: string): void => integer(knownTextHash(value));

  integer(content.occurredAt);
  integer(content.input);
  integer(content.cacheRead);
  integer(content.cacheWrite);
  integer(content.output);
  integer(content.reasoning);
  integer(content.images);
  integer(content.cost ?? -1);
  text(content.provider);
  text(content.model);
  text(content.feature);
  text(content.status);
  integer(content.providerId === null ? 0 : textHash(content.providerId));
  // Only where it is stated: the hashes of all others are in the database already.
  if (content.requests !== undefined) integer(content.requests);

  a = Math.imul(a ^ (b >>> 16), 0x21f0aaad);
  a ^= a >>> 15;
  b = Math.imul(b ^ (a >>> 16), 0x735a2d97);
  b ^= b >>> 15;
  return (b & 0x1f_ffff) * TWO_32 + (a >>> 0);
}
