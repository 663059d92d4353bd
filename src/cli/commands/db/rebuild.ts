import { changeTimeZone } from "../../../engine/change-zone.js";
import { rebuildTotals } from "../../../engine/rebuild.js";
import { mendedTable, rebuiltJson, rebuiltText, zoneJson, zoneText } from "../../../render/views/rebuild.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly timeZone?: string;
}

export default async function rebuild(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { timeZone } = options;
  if (timeZone !== undefined) return changeZone(context, timeZone);
  const { dryRun } = context;
  const engine = await context.engine();
  const progress = await context.progress("adding up");
  const rebuilt = await rebuildTotals(engine, { dryRun, signal: context.io.signal, progress }).finally(() =>
    progress.end(),
  );
  if (rebuilt.lost.length > 0) context.exitCode = EXIT.failed;
  context.changed({
    kind: "db-rebuild",
    data: rebuiltJson(rebuilt),
    table: mendedTable(rebuilt),
    text: (style, width) => rebuiltText(rebuilt, dryRun, { style, width }),
  });
}

async function changeZone(context: Context, timeZone: string): Promise<void> {
  const { dryRun } = context;
  const engine = await context.engine();
  await context.confirm(
    `Begin days and months in ${timeZone}, and let every call wait until all is added up anew?`,
  );
  const progress = await context.progress("adding up");
  const changed = await changeTimeZone(engine, timeZone, {
    dryRun,
    signal: context.io.signal,
    progress,
  }).finally(() => progress.end());
  context.changed({
    kind: "db-rebuild",
    data: zoneJson(changed),
    text: (style, width) => zoneText(changed, dryRun, { style, width }),
  });
}
