import { openLimits } from "../../../src/open-limits.js";

// A product that keeps the library open, and decides whenever it is told to.
const [database = "", now = ""] = process.argv.slice(2);
const limits = await openLimits({ database, now: () => Number(now) + 60_000 });

let asked = 0;
async function ask(): Promise<void> {
  asked += 1;
  const { code } = await limits.check({ user: "ada", tokens: 1, cost: 0 });
  process.stdout.write(`${asked} ${code}\n`);
}

process.on("message", () => void ask());
await ask();
