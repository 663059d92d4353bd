// How things are measured: ours and the peer in turn, so that a machine whose speed drifts drifts under both; medians of
// several rounds; and one line a figure.
import { spawnSync } from "node:child_process";

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} ours
 * @property {number} peer
 * @property {number} ratio  ours / peer
 * @property {string} bound  what the ratio must keep, such as "<= 1.6" or ">= 10"
 * @property {string} unit
 * @property {boolean} ok
 */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * A figure from rounds of both. The ratio is the median of the rounds' ratios, not the ratio of the medians: a round's two
 * halves ran side by side.
 * @returns {Figure}
 */
export function figure({ name, unit, ours, peer, bound }) {
  const ratio = median(ours.map((value, round) => value / peer[round]));
  const [, sign, limit] = /^(<=|>=) ([\d.]+)$/.exec(bound) ?? [];
  const ok = sign === "<=" ? ratio <= Number(limit) : ratio >= Number(limit);
  return { name, unit, ours: median(ours), peer: median(peer), ratio, bound, ok };
}

/** Wall time of a whole process in milliseconds; its output is thrown away, its exit code must be 0. */
export function timeProcess(command, args, options = {}) {
  const began = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 30,
    ...options,
  });
  const ended = process.hrtime.bigint();
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} exited ${status}: ${stderr}`);
  return Number(ended - began) / 1e6;
}

/** Runs two measurements in turn, after one uncounted round of each. */
export async function inTurn(rounds, ours, peer) {
  await ours();
  await peer();
  const result = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round += 1) {
    // Who goes first changes from round to round, so that neither always finds the caches warmed by the other.
    for (const which of round % 2 === 0 ? ["ours", "peer"] : ["peer", "ours"]) {
      result[which].push(await (which === "ours" ? ours() : peer()));
    }
  }
  return result;
}

/** Operations per second, one after the other. */
export async function perSecond(count, operation) {
  const began = performance.now();
  for (let n = 0; n < count; n += 1) await operation(n);
  return (count * 1000) / (performance.now() - began);
}

/** The same with many callers at once. */
export async function perSecondAtOnce(callers, count, operation) {
  const began = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let n = 0; n < count / callers; n += 1) await operation();
    }),
  );
  return (count * 1000) / (performance.now() - began);
}
