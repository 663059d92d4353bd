import { openLimits } from "../../../src/open-limits.js";

// A product that keeps the library open, and reserves one image, and gives it back, whenever it is told to.
const [database = "", now = ""] = process.argv.slice(2);
const limits = await openLimits({ database, now: () => Number(now) });

let asked = 0;
async function ask(): Promise<void> {
  asked += 1;
  const call = { user: "ada", images: 1, provider: "openai", model: "gpt-image-1" };
  const { decision, reservation } = await limits.reserve(call);
  if (reservation !== null) await limits.release(reservation.handle);
  process.stdout.write(`${asked} ${decision.code} ${reservation?.cost ?? "-"}\n`);
}

process.on("message", () => void ask());
await ask();
