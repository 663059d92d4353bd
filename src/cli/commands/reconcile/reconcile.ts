import { EXACT, parseTolerance } from "../../../domain/tolerance.js";
import { reconcileBills } from "../../../engine/reconcile.js";
import { AlphaError } from "../../../errors.js";
import { expandPaths } from "../../../input/log-paths.js";
import { type BillFile, readBills } from "../../../input/read-bills.js";
import { sanitize } from "../../../render/sanitize.js";
import { plural } from "../../../render/text.js";
import { differencesTable, reconcileText } from "../../../render/views/reconcile.js";
import { reconcileJson } from "../../../render/views/reconcile-json.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly provider?: string;
  readonly since?: string;
  readonly until?: string;
  readonly tolerance?: string;
}

export default async function reconcile(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { provider, since, until } = options;
  const tolerance = toleranceOf(options.tolerance);
  const paths = expandPaths(args[0] as string[]);
  if (paths.filter((path) => path === "-").length > 1) {
    throw new AlphaError("usage", "standard input can be read only once");
  }
  const engine = await context.engine();
  const files = await readBills(paths, {
    now: engine.now(),
    stdin: context.io.stdin,
    signal: context.io.signal,
  });
  const report = await reconcileBills(engine, {
    bills: files.map(({ bill }) => bill),
    tolerance,
    ...(provider === undefined ? {} : { provider }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  });
  context.show({
    kind: "reconciliation",
    data: context.format === "json" ? reconcileJson(report, files) : null,
    meta: { count: report.rows.length },
    table: differencesTable(report),
    text: (style, width) => reconcileText(report, { style, width }),
  });
  if (context.format !== "json") for (const file of files) tell(context, file);
  if (!report.isReconciled) context.exitCode = EXIT.failed;
}

function toleranceOf(text: string | undefined) {
  if (text === undefined) return EXACT;
  const tolerance = parseTolerance(text);
  if (tolerance !== null) return tolerance;
  throw new AlphaError("usage", `--tolerance "${text}" is neither a share nor an amount in US dollars`, {
    hint: "for example 0.5% of what is billed, or 2.50",
  });
}

/** What of a file was not compared. */
function tell(context: Context, { file, rejected, rejects, skipped, repeated }: BillFile): void {
  if (rejected > 0) {
    const more = rejected > rejects.length ? `; the first ${rejects.length}` : "";
    context.warn(sanitize(`${plural(rejected, "row")} of ${file} could not be read${more}:`));
    for (const { line, field, reason } of rejects) {
      context.note(sanitize(`  ${file}:${line}: ${field ?? "the row"} ${reason}`));
    }
  }
  if (skipped > 0) {
    const count = skipped === 1 ? "counts" : "count";
    context.note(
      sanitize(`${plural(skipped, "row")} of ${file} ${count} no tokens, but images, characters or seconds.`),
    );
  }
  if (repeated > 0) {
    const stand = repeated === 1 ? "stands" : "stand";
    context.note(
      sanitize(`${plural(repeated, "row")} of ${file} ${stand} in an earlier file too, and counted once.`),
    );
  }
}
