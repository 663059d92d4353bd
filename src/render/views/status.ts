import { formatUsd } from "../../domain/money.js";
import type { Sums } from "../../domain/report.js";
import { totalTokens } from "../../domain/usage.js";
import { dayLabel, formatDuration, formatInstant, type Instant, localTime } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import { count, list, plural, size, wrap } from "../text.js";
import { guardrailsTable } from "./guardrails.js";
import { concernSentences } from "./status-concerns.js";
import { statusUsersTable } from "./status-users.js";
import { blockedUsers, type StatusSort, type StatusView } from "./status-view.js";

export interface StatusLook {
  readonly style: Style;
  /** Columns of the terminal; `null` off a terminal: nothing is wrapped, and times are in RFC 3339. */
  readonly width: number | null;
  /** Where the database is. */
  readonly database: string;
  readonly sort: StatusSort;
  /** How many testers there is room for. */
  readonly userRows: number;
}

/** Everything on one screen: first whether all is well, then the figures. */
export function statusText(status: StatusView, look: StatusLook): string {
  const { style, width, sort, userRows } = look;
  const table = <Row>(of: Table<Row>) => renderTable({ ...of, quiet: true }, { style, width });
  const { notes: _, ...guardrails } = guardrailsTable(
    status.guardrails,
    width === null ? null : status.timeZone,
  );
  return [
    verdict(status, look),
    table(spendingTable(status)),
    ...(status.guardrails.length === 0 ? [] : [table(guardrails)]),
    table(statusUsersTable(status.users, { sort, rows: userRows, bars: width !== null })),
    renderFields(fieldsOf(status, look), { style, width }),
  ].join("\n");
}

function verdict(status: StatusView, { style, width }: StatusLook): string {
  const at =
    width === null ? formatInstant(status.at) : `${localTime(status.at, status.timeZone)} ${status.timeZone}`;
  const { concerns } = status;
  if (concerns.length === 0) return `${style.ok("All is well.")} ${style.muted(at)}\n`;
  const isBad = concerns.some(({ severity }) => severity === "bad");
  const head = isBad ? style.bad("Not all is well.") : style.warn("Something to look at.");
  const lines = concerns.flatMap((concern) => {
    const paint = concern.severity === "bad" ? style.bad : style.warn;
    return concernSentences(concern, status, width === null ? null : status.timeZone).flatMap((raw) => {
      const sentence = sanitize(raw);
      const wrapped = width === null ? [sentence] : wrap(sentence, Math.max(2, width - MARK.length));
      return wrapped.map((line, index) => (index === 0 ? paint(MARK) : " ".repeat(MARK.length)) + line);
    });
  });
  return `${head} ${style.muted(at)}\n${lines.join("\n")}\n`;
}

const MARK = "! ";

interface SpendingRow {
  readonly label: string;
  readonly cost: bigint;
  readonly assumed: bigint;
  readonly tokens: number;
  readonly images: number;
  readonly requests: number;
  readonly note: string;
}

function rowOf(label: string, sums: Sums, note = ""): SpendingRow {
  const { cost, assumed, images, requests } = sums;
  return { label, cost, assumed, tokens: totalTokens(sums), images, requests, note };
}

function spendingTable({ spending }: StatusView): Table<SpendingRow> {
  const { hour, today, yesterday, yesterdaysHour, month } = spending;
  const someAssumed = [hour, today, yesterday, month].some(({ assumed }) => assumed !== 0n);
  const rows = [
    {
      label: "last hour",
      ...hour,
      note: `yesterday ${formatUsd(yesterdaysHour)} an hour${someAssumed ? " in all" : ""}`,
    },
    rowOf("today", today),
    rowOf("yesterday", yesterday),
    rowOf("this month", month),
  ];
  const amount = (key: "tokens" | "images" | "requests", header: string, priority: number) => ({
    key,
    header,
    priority,
    align: "right" as const,
    text: (row: SpendingRow) => count(row[key]),
  });
  return {
    rows,
    empty: "",
    columns: [
      { key: "time", header: "SPENT", text: ({ label }) => label },
      {
        key: "cost",
        header: "COST",
        align: "right",
        text: ({ cost }) => formatUsd(cost),
        paint: (text, _, style) => style.emphasis(text),
      },
      ...(someAssumed
        ? [
            {
              key: "assumed",
              header: "ASSUMED",
              align: "right" as const,
              text: ({ assumed }: SpendingRow) => (assumed === 0n ? "-" : formatUsd(assumed)),
              paint: (text: string, { assumed }: SpendingRow, style: Style) =>
                assumed === 0n ? text : style.warn(text),
            },
          ]
        : []),
      amount("tokens", "TOKENS", 1),
      amount("images", "IMAGES", 3),
      amount("requests", "CALLS", 1),
      {
        key: "note",
        header: "",
        priority: 4,
        text: ({ note }) => note,
        paint: (text, _, style) => style.muted(text),
      },
    ],
    notes: hour.complete
      ? []
      : ["More was recorded in the last hour than is looked at here: its row is the least that was used."],
  };
}

function fieldsOf(status: StatusView, look: StatusLook): Field[] {
  const { testers, users, held, refusals, newAlerts, lastEvent, lastLiveUse, lastReset } = status;
  const blocked = blockedUsers(status).length;
  const near = users.filter(({ state }) => state === "near").length;
  const ago = (at: Instant) => agoText(at, status, look);
  const people = [
    `${count(testers.active)} active`,
    ...(testers.suspended === 0 ? [] : [`${count(testers.suspended)} suspended`]),
    ...(blocked === 0 ? [] : [`${count(blocked)} blocked by a limit`]),
    ...(near === 0 ? [] : [`${count(near)} near one`]),
  ];
  const codes = refusals.codes.map(({ code, count: n }) => `${code} ${count(n)}`);
  const event =
    lastEvent === null
      ? "none"
      : `${ago(lastEvent.recordedAt)}: ${[lastEvent.email ?? lastEvent.user, lastEvent.model || "model not stated"].join(", ")}${lastEvent.live ? "" : ", imported"}`;
  return [
    ["testers", people.join(", ")],
    [
      "refused today",
      refusals.count === 0
        ? "nobody"
        : `${plural(refusals.count, "call")} of ${plural(refusals.testers, "tester")}: ${codes.join(", ")}`,
    ],
    ["in progress", inProgress(held)],
    ["last event", event],
    ...(lastEvent?.live === true
      ? []
      : [["last live call", lastLiveUse === null ? "none found" : ago(lastLiveUse)] as const]),
    [
      "last reset",
      lastReset === null ? "never" : `${ago(lastReset.ranAt)}, closed ${dayLabel(lastReset.day)}`,
    ],
    [
      "alerts",
      newAlerts === 0 ? "none new" : `${count(newAlerts)} new; see: alpha alerts --new`,
      (text, style) => (newAlerts === 0 ? text : style.warn(text)),
    ],
    ["database", `${look.database} (${size(status.size)})`],
  ];
}

function inProgress({ live, amounts, expired }: StatusView["held"]): string {
  const holds = [
    ...(amounts.tokens === 0 ? [] : [plural(amounts.tokens, "token")]),
    ...(amounts.images === 0 ? [] : [plural(amounts.images, "image")]),
    formatUsd(amounts.cost),
  ];
  const said = live === 0 ? "nothing" : `${plural(live, "call")}, holding ${list(holds)}`;
  return expired === 0 ? said : `${said}; ${count(expired)} expired and never settled`;
}

/** How long ago on a terminal; elsewhere the instant. Clocks of several machines differ a little. */
function agoText(at: Instant, { at: now }: StatusView, { width }: StatusLook): string {
  return width === null ? formatInstant(at) : `${formatDuration(Math.max(1_000, now - at))} ago`;
}
