import { databaseInfo } from "../../../engine/database-info.js";
import { infoJson, infoTable, infoText } from "../../../render/views/database.js";
import { inspectDatabase } from "../../../store/inspect.js";
import type { Context } from "../../context.js";
import { COMMAND_WAIT_MS } from "../../open-engine.js";

export default async function info(context: Context): Promise<void> {
  const { database, address } = context.config;
  const facts = await inspectDatabase({ database: address, waitMs: COMMAND_WAIT_MS });
  const held = facts.pending.length > 0 ? null : await databaseInfo(await context.engine());
  const data = { database, ...infoJson({ facts, held }) };
  context.show({
    kind: "db-info",
    data,
    table: infoTable(data),
    text: (style, width) => infoText({ facts, held }, { database, style, width }),
  });
}
