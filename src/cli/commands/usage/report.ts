import type { ReportGrouping } from "../../../domain/report.js";
import { usageReport } from "../../../engine/reports.js";
import { AlphaError } from "../../../errors.js";
import { groupReportTable, reportJson } from "../../../render/views/report.js";
import { unpricedNote } from "../../../render/views/report-notes.js";
import { usersReportTable } from "../../../render/views/report-users.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly month?: string;
  readonly since?: string;
  readonly until?: string;
  readonly by?: ReportGrouping;
  readonly atModel?: string;
  readonly html?: string;
}

export default async function report(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { month, since, until, by = "user", atModel, html } = options;
  const wanted = {
    ...(month === undefined ? {} : { month }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(atModel === undefined ? {} : { atModel }),
  };
  if (html !== undefined) {
    if (by !== "user") {
      throw new AlphaError("usage", `--by ${by} is for tables; a page has the report by everything`, {
        hint: "leave out --by, or --html",
      });
    }
    const { writeReportPage } = await import("./report-page.js");
    return writeReportPage(context, html, wanted);
  }
  const found = await usageReport(await context.engine(), { by, ...wanted });
  const data = context.format === "json" ? reportJson(found) : null;
  const meta = { count: found.rows.length };
  const view = { kind: "usage-report", data, meta };
  if (found.by === "user") {
    context.show({ ...view, table: usersReportTable(found, context.format === "csv") });
  } else {
    context.show({ ...view, table: groupReportTable(found) });
  }
  // CSV has no place for notes, and what has no price must not go unsaid.
  if (context.format === "csv")
    for (const note of unpricedNote(found)) context.warn(note.replace(/^\* /, ""));
}
