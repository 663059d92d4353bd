import { openLimits } from "../../../src/index.js";

/** Asks as somebody who may read the database and not write it. */
const [database = ""] = process.argv.slice(2);
if (process.getuid?.() === 0) process.setuid?.(65_534);
const limits = await openLimits({ database, waitMs: 200 });
const request = { user: "ada", tokens: 10, cost: 0 };
const check = await limits.check(request);
const { decision, reservation } = await limits.reserve(request);
const recorded = await limits.record("ada", { output: 5, cost: 0 }).catch((error) => error.code);
const { code, cause } = decision;
console.log(JSON.stringify({ check: check.code, reserve: code, cause, reservation, recorded }));
await limits.close();
process.disconnect();
