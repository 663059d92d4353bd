import type { UsageRecord } from "./usage.js";

/** Everything about a record that changes what is counted. For whom is not in it: the ledger adds that. */
export type UsageContent = Omit<UsageRecord, "source" | "id" | "user">;

const SEED_A = 0x9e3779b9;
const SEED_B = 0x85ebca6b;
const TWO_32 = 0x1_0000_0000;

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
  const text = (value: string): void => {
    // The length keeps ("ab", "c") apart from ("a", "bc").
    word(value.length);
    for (let i = 0; i < value.length; i++) word(value.charCodeAt(i));
  };

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
  text(content.providerId ?? "");

  a = Math.imul(a ^ (b >>> 16), 0x21f0aaad);
  a ^= a >>> 15;
  b = Math.imul(b ^ (a >>> 16), 0x735a2d97);
  b ^= b >>> 15;
  return (b & 0x1f_ffff) * TWO_32 + (a >>> 0);
}
