import { type CostChart, costChart } from "../domain/cost-chart.js";
import { formatUsd } from "../domain/money.js";
import { actualCost, type GroupReport } from "../domain/report.js";
import type { UserReport } from "../domain/report-users.js";
import { type CallKind, totalTokens } from "../domain/usage.js";
import { dayLabel, formatInstant } from "../domain/window.js";
import { Html, html, htmlTable, scriptJson } from "./html.js";
import { MOST_BARS, pageData } from "./html-data.js";
import { PAGE_STYLE } from "./html-style.js";
import type { Table } from "./table.js";
import { count, plural } from "./text.js";
import { groupReportTable } from "./views/report.js";
import { rangeNote } from "./views/report-notes.js";
import { usersReportTable } from "./views/report-users.js";

/** How every page begins, by which one is known that may be replaced by a newer one. */
export const PAGE_MARK = "<!doctype html>\n<!-- alpha usage report -->\n";

export interface ReportPageView {
  readonly users: UserReport;
  readonly tiers: GroupReport;
  readonly models: GroupReport;
  readonly features: GroupReport;
  /** Cost by day and model. */
  readonly cells: readonly (CallKind & {
    readonly day: number;
    readonly cost: bigint;
    readonly assumed: bigint;
  })[];
}

export interface PageParts {
  /** What draws the charts. */
  readonly script: string;
  /** The hash of a text as a content security policy has it: `sha256-…`. */
  readonly hash: (text: string) => string;
  readonly version: string;
}

/**
 * A report as one page of HTML, which needs nothing else: no network, no other file. Its policy lets nothing be loaded and
 * nothing run but the script that is in it, whatever stands in the names of testers and models.
 */
export function reportPage(view: ReportPageView, { script, hash, version }: PageParts): string {
  const { users, tiers, models, features, cells } = view;
  const { range } = users;
  const cost = costChart(cells, range, users.today);
  const title = `Usage and cost, ${dayLabel(range.from)} to ${dayLabel(range.to - 1)}`;
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(PAGE_STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `${PAGE_MARK}${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
<header>
<h1>Usage and cost</h1>
<p class="sub">${rangeNote(users)}</p>
</header>
<main>
${tiles(users)}
${charts(users, cost)}
${tables("By tester", without(rangeNote(users), usersReportTable(users, false)))}
${tables("By model", withoutNotes(groupReportTable(models)))}
${tables("By tier", withoutNotes(groupReportTable(tiers)))}
${tables("By feature", withoutNotes(groupReportTable(features)))}
</main>
<footer>As of ${formatInstant(users.at)}. Made by alpha ${version}.</footer>
<script type="application/json" id="data">${scriptJson(pageData(users, cost))}</script>
<script>${new Html(script)}</script>
</body>
</html>
`.text
  }`;
}

function tiles({ totals, rows, estimates }: UserReport): Html {
  const projected = estimates.withoutProjection === rows.length ? "n/a" : formatUsd(estimates.projected);
  const all: readonly (readonly [name: string, value: string])[] = [
    ["Cost", formatUsd(totals.cost)],
    ["Assumed for unpriced", formatUsd(totals.assumed)],
    ["Projected", projected],
    ["Tokens", count(totalTokens(totals))],
    ["Images", count(totals.images)],
    ["Requests", count(totals.requests)],
    ["Testers", count(rows.length)],
  ];
  return html`<dl>
${all.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}

function charts(users: UserReport, cost: CostChart): Html {
  if (users.rows.length === 0) return html``;
  const { estimates, totals, rows } = users;
  const spent = formatUsd(actualCost(totals));
  const limited = rows.filter(({ fullest }) => fullest !== null).length;
  return html`<section>
<h2>Cost by ${cost.unit}</h2>
${chart("cost", `Bars of the cost by ${cost.unit}, stacked by model: ${spent} in all, with what is assumed.`)}
</section>
<section>
<h2>Use against limits</h2>
<p class="sub">How full each tester’s fullest quota got. ${most(limited, "tester")}</p>
${chart("limits", "A bar for each tester, as long as their fullest quota is full. The table by tester says the same.")}
</section>
<section>
<h2>Expected and actual cost</h2>
<p class="sub">What was stated for each tester, what that computes to, and what it was. ${most(rows.length, "tester")}</p>
${chart(
  "estimates",
  `Bars for each tester: stated ${formatUsd(estimates.stated)} in all, computed ${formatUsd(estimates.computed)}, actual ${formatUsd(estimates.actual)}.`,
)}
</section>`;
}

function most(rows: number, noun: string): string {
  return rows > MOST_BARS ? `The first ${MOST_BARS} of ${plural(rows, noun)}.` : "";
}

function chart(id: string, label: string): Html {
  return html`<div class="chart"><canvas id="${id}" role="img" aria-label="${label}"></canvas></div>`;
}

function tables<Row>(title: string, table: Table<Row>): Html {
  return html`<section class="long">
<h2>${title}</h2>
${htmlTable(table)}</section>`;
}

/** A table without a note that stands elsewhere already. */
function without<Row>(note: string, { notes = [], ...table }: Table<Row>): Table<Row> {
  return { ...table, notes: notes.filter((each) => each !== note) };
}

/** They say below every table what is said once on the page. */
function withoutNotes<Row>({ notes: _, ...table }: Table<Row>): Table<Row> {
  return table;
}
