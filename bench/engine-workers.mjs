// Several processes on one file: each runs pairs for the same length of time when told to, and says how many it did.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { openPeer, PRO_USER, REQUEST, USAGE } from "./engine-setup.mjs";

const ROUND_MS = 2_000;
const SELF = fileURLToPath(import.meta.url);

/** @param {"ours" | "peer"} kind */
export async function startWorkers(kind, path, count) {
  const children = [];
  for (let n = 0; n < count; n += 1) {
    const child = fork(SELF, [kind, path]);
    await new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", (code) => reject(new Error(`a worker exited with ${code}`)));
    });
    children.push(child);
  }
  return {
    async round() {
      const rates = await Promise.all(
        children.map(
          (child) =>
            new Promise((resolve) => {
              child.once("message", resolve);
              child.send("go");
            }),
        ),
      );
      return {
        total: rates.reduce((sum, rate) => sum + rate, 0),
        slowest: Math.min(...rates),
        fastest: Math.max(...rates),
      };
    },
    /** Writes without end, one pair after the other. */
    keepGoing() {
      for (const child of children) child.send("keep going");
    },
    stop() {
      for (const child of children) child.kill();
    },
  };
}

if (process.argv[1] === SELF) {
  const [kind, path] = process.argv.slice(2);
  const pair = kind === "ours" ? await ourPair(path) : await peerPair(path);
  process.on("message", async (message) => {
    while (message === "keep going") await pair();
    const until = performance.now() + ROUND_MS;
    let pairs = 0;
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (performance.now() < until) {
          await pair();
          pairs += 1;
        }
      }),
    );
    process.send((pairs * 1000) / ROUND_MS);
  });
  process.send("ready");
}

async function ourPair(path) {
  const { openLimits } = await import("../dist/index.js");
  const limits = await openLimits({ database: path, waitMs: 30_000 });
  return async () => {
    const { reservation } = await limits.reserve(REQUEST);
    await limits.settle(reservation.handle, USAGE);
  };
}

async function peerPair(path) {
  const limiter = await openPeer(path);
  return async () => {
    await limiter.consume(PRO_USER, 1);
    await limiter.consume(PRO_USER, 1);
  };
}
