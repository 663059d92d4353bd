import { importUsage, type UsageImport } from "../../../engine/ingest.js";
import { AlphaError } from "../../../errors.js";
import { expandPaths } from "../../../input/log-paths.js";
import { openLogs } from "../../../input/usage-logs.js";
import { sanitize } from "../../../render/sanitize.js";
import { count, plural } from "../../../render/text.js";
import { importJson, importText, overlapNotes, rejectNotes } from "../../../render/views/import.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import type { Invocation } from "../../run.js";
import { RejectsFile } from "./rejects-file.js";

/** The share of the time beyond which it is told how long others were waited for. */
const WORTH_TELLING = 0.1;

interface Options {
  readonly logFormat?: string;
  readonly map?: readonly string[];
  readonly set?: readonly string[];
  readonly user?: string;
  readonly addUsers?: boolean;
  readonly rejects?: string;
  readonly strict?: boolean;
}

export default async function importLogs(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const files = expandPaths(args[0] as string[]);
  const { logFormat, map = [], set = [], user } = options;
  if (files.filter((file) => file === "-").length > 1) {
    throw new AlphaError("usage", "standard input can be read only once");
  }
  const engine = await context.engine();
  const { stdin, signal } = context.io;
  const logs = openLogs(files, { now: engine.now(), format: logFormat, map, set, stdin, signal });
  const kept = options.rejects === undefined ? null : new RejectsFile(options.rejects, files);
  const progress = await context.progress("importing");
  const began = performance.now();
  let done: UsageImport;
  try {
    done = await importUsage(engine, logs.all, {
      ...(user === undefined ? {} : { user }),
      addUsers: options.addUsers === true,
      ...(kept === null ? {} : { onReject: (reject) => kept.add(reject) }),
      dryRun: context.dryRun,
      signal,
      progress,
      readAs: { format: logFormat, map, set },
    });
  } catch (error) {
    kept?.discard();
    throw error;
  } finally {
    progress.end();
    await logs.close();
  }
  if (context.dryRun) kept?.discard();
  else kept?.keep();
  tell(context, done, performance.now() - began, options.rejects);
  if (options.strict === true && done.total.bad > 0) context.exitCode = EXIT.failed;
  throwErrors(done, files.length);
}

function tell(context: Context, done: UsageImport, elapsed: number, rejects: string | undefined): void {
  const { records } = done.total;
  const [log] = done.logs;
  // Where the only log failed at once, its error says it all.
  const failed = done.logs.length === 1 && log?.number === null && log.error !== null;
  if (!failed || done.interrupted) {
    const waited = done.logs.reduce((sum, each) => sum + each.waited, 0);
    const perSecond = Math.round(records / Math.max(elapsed / 1000, 0.001));
    context.changed({
      kind: "usage-import",
      data: importJson(done),
      meta: { elapsed_ms: Math.round(elapsed), waited_ms: waited, records_per_second: perSecond },
      text: (style, width) => importText(done, { dryRun: context.dryRun, style, width }),
    });
    if (context.format !== "json") {
      context.note(
        `${plural(records, "record")} in ${(elapsed / 1000).toFixed(1)} s, ${count(perSecond)} a second`,
      );
      if (waited > elapsed * WORTH_TELLING) {
        context.note(`${(waited / 1000).toFixed(1)} s of that it gave way to other writers`);
      }
    }
  }
  if (context.format === "json") return;
  warnOf(context, overlapNotes(done));
  if (done.total.bad === 0) return;
  warnOf(context, rejectNotes(done));
  if (rejects === undefined) context.note("To keep them all, import again with --rejects FILE.");
  else if (context.dryRun) context.note("They were not kept: this is a dry run.");
  else
    context.note(
      `They are kept in ${rejects}; mend the records or onboard their users, and import that file.`,
    );
}

function warnOf(context: Context, [head, ...lines]: readonly string[]): void {
  if (head === undefined) return;
  context.warn(sanitize(head));
  for (const line of lines) context.note(sanitize(line));
}

/** Several logs that failed are one error, so that a script finds all of them in the one it reads. */
function throwErrors({ logs, total, interrupted }: UsageImport, files: number): void {
  const errors = logs.flatMap(({ error }) => (error === null ? [] : [error]));
  const [first] = errors;
  if (first === undefined) return;
  if (interrupted) {
    throw new AlphaError(
      "interrupted",
      `the import was interrupted; ${plural(total.inserted, "record")} of it stay${total.inserted === 1 ? "s" : ""}`,
      { hint: "run the same command again to continue: what is in already counts once" },
    );
  }
  // After a database that failed nothing else was tried.
  const last = errors.at(-1);
  if (last?.code === "database" || errors.length === 1) throw last;
  const list = errors.map(({ message }) => `\n  ${message}`).join("");
  throw new AlphaError("failed", `${errors.length} of ${files} files could not be imported:${list}`, {
    hint: first.hint,
  });
}
