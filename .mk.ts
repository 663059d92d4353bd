
import { initSqlite, openSqlite } from "./src/store/sqlite/open.js";
import { initialise } from "./src/engine/init.js";
import { addUser } from "./src/engine/users.js";
import { setTier } from "./src/engine/tiers.js";
import { createIds } from "./src/ids.js";
const path = process.argv[2]!;
await initSqlite({ path, waitMs: 1000 });
const store = await openSqlite({ path, waitMs: 1000 });
const engine = { store, now: Date.now, ids: createIds(), actor: "x", prices: async () => null as any };
await initialise(engine, {});
await setTier(engine, "pro", { quotas: [{ meter: "tokens", period: "day", limit: 9e11 }, { meter: "images", period: "day", limit: 9e11 }, { meter: "cost", period: "month", limit: 9e14 }] });
await addUser(engine, { email: "pro@example.com", id: "pro", tier: "pro" });
await store.close();
