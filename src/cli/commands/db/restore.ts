import { restoreDatabase } from "../../../engine/restore.js";
import { restoredJson, restoredText, restoreQuestion } from "../../../render/views/backup.js";
import { copiesOf } from "../../../store/copies.js";
import { fileOf } from "../../config.js";
import type { Context } from "../../context.js";
import { actingAs, COMMAND_WAIT_MS } from "../../open-engine.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly reason?: string;
}

export default async function restore(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const { database, address } = context.config;
  const copies = await copiesOf({ database: address, waitMs: COMMAND_WAIT_MS }, "restore");
  const progress = await context.progress("copying");
  const restored = await restoreDatabase(
    actingAs(context.config, context.io.now),
    copies,
    fileOf(String(args[0]), "what is restored"),
    {
      dryRun,
      reason: options.reason,
      signal: context.io.signal,
      progress,
      async approve(restorable) {
        progress.end();
        await context.confirm(restoreQuestion(restorable, database));
      },
    },
  ).finally(() => progress.end());
  context.changed({
    kind: "db-restore",
    data: restoredJson(restored),
    text: (style, width) => restoredText(restored, dryRun, { style, width }),
  });
}
