import { randomFillSync } from "node:crypto";
import type { Ids } from "./engine/ports.js";

// Crockford's alphabet: no letter that is taken for another, and its order is that of its codes.
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

function encoded(value: number, length: number): string {
  let text = "";
  let rest = value;
  for (let index = 0; index < length; index += 1) {
    text = (ALPHABET[rest % 32] as string) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

// Asking for a few random bytes costs as much as asking for thousands.
const pool = Buffer.allocUnsafe(4_096);
let poolUsed = pool.length;

function random(length: number): string {
  if (poolUsed + length > pool.length) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  let text = "";
  for (let index = 0; index < length; index += 1) text += ALPHABET[(pool[poolUsed + index] as number) % 32];
  poolUsed += length;
  return text;
}

/**
 * Ids that sort by when they were made, so that a new one goes to the end of its index and dirties no other page:
 * 9 characters of milliseconds, 13 of chance (65 bits).
 */
export function createIds(now: () => number = Date.now): Ids {
  const sorted = () => encoded(now(), 9) + random(13);
  return {
    event: () => `e_${sorted()}`,
    reservation: () => `r_${sorted()}`,
    user: () => `u_${random(10)}`,
  };
}
