import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { wholeReport } from "../../../engine/reports.js";
import { AlphaError } from "../../../errors.js";
import { PAGE_MARK, reportPage } from "../../../render/html-report.js";
import { reportPageJson, reportPageText } from "../../../render/views/export.js";
import { VERSION } from "../../../version.js";
import type { Context } from "../../context.js";
import { OutputFile, whatStandsAt } from "../../output-file.js";

type Request = Parameters<typeof wholeReport>[1];

/** Writes a report as a page of HTML; `-` is standard output. */
export async function writeReportPage(context: Context, path: string, request: Request): Promise<void> {
  const isStdout = path === "-";
  if (context.format === "csv" || context.format === "markdown" || (isStdout && context.format === "json")) {
    throw new AlphaError(
      "usage",
      `--html ${path} and --format ${context.format} are two reports in one place`,
      {
        hint: "leave one of them out",
      },
    );
  }
  const engine = await context.engine();
  if (!isStdout) requireReplaceable(path, context.config.database);
  const report = await wholeReport(engine, request);
  // Every file of the bundle lies in one folder.
  const script = readFileSync(new URL("./report-page.js", import.meta.url), "utf8");
  const page = reportPage(report, { script, hash: policyHash, version: VERSION });
  if (isStdout) {
    context.io.stdout.write(page);
    return;
  }
  const view = { file: path, bytes: written(path, page), report: report.users };
  context.show({
    kind: "usage-report-page",
    data: reportPageJson(view),
    text: () => reportPageText(view),
  });
}

function written(path: string, page: string): number {
  const file = new OutputFile(path);
  try {
    file.write(page);
    return file.keep();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** A page of a report may be replaced by the next one, by cron for example; anything else is somebody's. */
function requireReplaceable(path: string, database: string): void {
  const there = whatStandsAt(path, [database]);
  if (there === null || there.size === 0 || beginsWithMark(path)) return;
  throw new AlphaError("usage", `${path} exists and is no report of alpha's`, {
    hint: "name a file that does not exist; only an older report is replaced",
  });
}

function beginsWithMark(path: string): boolean {
  const head = Buffer.alloc(PAGE_MARK.length);
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return head.toString() === PAGE_MARK;
}

function policyHash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
