import type { CallKind, UsageRecord } from "./usage.js";

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

/** The words of the content in hand: a loop over them is several times faster than a call for each. */
const words = new Int32Array(32);

function putInteger(at: number, value: number): number {
  words[at] = value;
  words[at + 1] = value >= 0 && value < TWO_32 ? 0 : Math.floor(value / TWO_32);
  return at + 2;
}

/**
 * A 53-bit hash of the content, to tell a duplicate from a conflict among records of one id. Not for untrusted
 * collisions; it is kept in the database, so changing it makes every known record look like a conflict.
 */
export function contentHash(content: UsageContent): number {
  return contentHashOf(content, content);
}

/** The same for a content of this kind. Texts that were met before are found faster, so one for all may be given. */
export function contentHashOf(content: Omit<UsageContent, keyof CallKind>, kind: CallKind): number {
  let count = putInteger(0, content.occurredAt);
  count = putInteger(count, content.input);
  count = putInteger(count, content.cacheRead);
  count = putInteger(count, content.cacheWrite);
  count = putInteger(count, content.output);
  count = putInteger(count, content.reasoning);
  count = putInteger(count, content.images);
  count = putInteger(count, content.cost ?? -1);
  // Each text is hashed by itself, which keeps ("ab", "c") apart from ("a", "bc").
  count = putInteger(count, knownTextHash(kind.provider));
  count = putInteger(count, knownTextHash(kind.model));
  count = putInteger(count, knownTextHash(kind.feature));
  count = putInteger(count, knownTextHash(content.status));
  count = putInteger(count, content.providerId === null ? 0 : textHash(content.providerId));
  // Only where it is stated: the hashes of all others are in the database already.
  if (content.requests !== undefined) count = putInteger(count, content.requests);

  let a = SEED_A;
  let b = SEED_B;
  for (let at = 0; at < count; at++) {
    const word = words[at]!;
    a = Math.imul(a ^ word, 0x2c1b3c6d);
    a ^= a >>> 15;
    b = Math.imul(b + word + 0x165667b1, 0x297a2d39);
    b ^= b >>> 13;
  }
  a = Math.imul(a ^ (b >>> 16), 0x21f0aaad);
  a ^= a >>> 15;
  b = Math.imul(b ^ (a >>> 16), 0x735a2d97);
  b ^= b >>> 15;
  return (b & 0x1f_ffff) * TWO_32 + (a >>> 0);
}
