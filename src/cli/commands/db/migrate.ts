import { audit, type Deed } from "../../../engine/engine.js";
import { migratedJson, migratedText } from "../../../render/views/database.js";
import { initStore } from "../../../store/init-store.js";
import { inspectDatabase } from "../../../store/inspect.js";
import type { Context } from "../../context.js";
import { COMMAND_WAIT_MS } from "../../open-engine.js";

export default async function migrate(context: Context): Promise<void> {
  const { dryRun } = context;
  const place = { database: context.config.address, waitMs: COMMAND_WAIT_MS };
  const { pending } = await inspectDatabase(place);
  if (pending.length > 0 && !dryRun) {
    await initStore(place);
    const engine = await context.engine();
    const deed: Deed = { action: "db.migrate", subject: "database:schema", after: { migrations: pending } };
    await engine.store.write((tx) => audit(engine, tx, engine.now(), deed));
  }
  context.changed({
    kind: "db-migrate",
    data: migratedJson(pending),
    text: (style) => migratedText(pending, dryRun, style),
  });
}
