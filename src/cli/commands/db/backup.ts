import { backupDatabase } from "../../../engine/backup.js";
import { backupJson, backupText } from "../../../render/views/backup.js";
import { copiesOf } from "../../../store/copies.js";
import { fileOf } from "../../config.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import { COMMAND_WAIT_MS } from "../../open-engine.js";
import type { Invocation } from "../../run.js";

export default async function backup(context: Context, { args }: Invocation<object>): Promise<void> {
  const { dryRun } = context;
  const path = fileOf(String(args[0]), "what a backup is written to");
  const copies = await copiesOf({ database: context.config.address, waitMs: COMMAND_WAIT_MS }, "backup");
  const engine = await context.engine();
  if ((await copies.existing(path)) === "file") await context.confirm(`Replace ${path}?`);
  const progress = await context.progress("copying");
  const options = { dryRun, signal: context.io.signal, progress };
  const made = await backupDatabase(engine, copies, path, options).finally(() => progress.end());
  if ((made.verification?.differenceCount ?? 0) > 0) context.exitCode = EXIT.failed;
  context.changed({
    kind: "db-backup",
    data: backupJson(made),
    text: (style, width) => backupText(made, { style, width }),
  });
}
