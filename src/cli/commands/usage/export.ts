import { setImmediate as nextTurn } from "node:timers/promises";
import { type Exported, exportUsage, type TakeRecords } from "../../../engine/export.js";
import { AlphaError } from "../../../errors.js";
import { nativeFields } from "../../../importers/exported.js";
import { escapeInJson } from "../../../render/sanitize.js";
import { exportJson, exportNote, exportText } from "../../../render/views/export.js";
import type { Context } from "../../context.js";
import { OutputFile, whatStandsAt } from "../../output-file.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly user?: string;
  readonly since?: string;
  readonly until?: string;
}

export default async function exportLedger(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const [path = "-"] = args as [string | undefined];
  if (path === "-") await toStdout(context, options);
  else await toFile(context, path, options);
}

async function toFile(context: Context, path: string, options: Options): Promise<void> {
  const engine = await context.engine();
  if (whatStandsAt(path, [context.config.database]) !== null) {
    await context.confirm(`${path} exists. Replace it?`);
  }
  const file = new OutputFile(path);
  const progress = await context.progress("exporting");
  let view: Exported & { readonly file: string; readonly bytes: number };
  try {
    const wanted = { ...wantedBy(options), signal: context.io.signal, progress };
    const exported = await exportUsage(engine, wanted, async (records) => {
      file.write(linesOf(records));
      // Reading SQLite and writing a file leave no turn in which the operator could interrupt.
      await nextTurn();
      return true;
    });
    view = { ...exported, file: path, bytes: file.keep() };
  } catch (error) {
    file.discard();
    throw error;
  } finally {
    progress.end();
  }
  context.show({
    kind: "usage-export",
    data: exportJson(view),
    text: () => exportText(view),
  });
  if (context.format !== "json") warnOf(context, view);
}

function warnOf(context: Context, exported: Exported): void {
  const note = exportNote(exported);
  if (note !== null) context.warn(note);
}

async function toStdout(context: Context, options: Options): Promise<void> {
  if (context.format === "json") {
    throw new AlphaError("usage", "an export to standard output leaves no place for JSON about it", {
      hint: "name a file for the export, or leave --json out: an export is JSON Lines anyway",
    });
  }
  const { stdout, signal } = context.io;
  const engine = await context.engine();
  const exported = await exportUsage(
    engine,
    { ...wantedBy(options), signal },
    (records) =>
      // Whoever reads it may be slow, and may have seen enough.
      new Promise((resolve) => stdout.write(linesOf(records), (error) => resolve(!error))),
  );
  warnOf(context, exported);
}

function wantedBy({ user, since, until }: Options) {
  return {
    ...(user === undefined ? {} : { user }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

function linesOf(records: Parameters<TakeRecords>[0]): string {
  return records.map((record) => `${escapeInJson(JSON.stringify(nativeFields(record)))}\n`).join("");
}
