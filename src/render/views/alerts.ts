import type { Alert } from "../../domain/alert.js";
import { quotaName } from "../../domain/meter.js";
import type { Settings } from "../../domain/settings.js";
import { calendar, formatInstant, type Instant, localTime, windowLabel } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import type { Table } from "../table.js";
import { count, percent } from "../text.js";
import { displayWidth } from "../width.js";

export interface AlertView extends Alert {
  readonly number: number;
  readonly user: string | null;
  readonly email: string | null;
  readonly printedAt: Instant | null;
}

type Thresholds = Pick<Settings, "block_at" | "time_zone">;

/** Whom an alert concerns. */
function who({ userId, user, email }: AlertView): string {
  return email ?? user ?? (userId === 0 ? "all testers" : `#${userId}`);
}

const TRIPPED: Readonly<Record<string, string>> = {
  stop: "every call is stopped",
  throttle: "everybody is throttled",
  alert: "nothing is stopped",
};

/** What happened, in few words: a line of 80 columns has room for a time and a tester before them. */
function what(alert: AlertView, { block_at, time_zone }: Thresholds): string {
  const { kind, meter, period, threshold, code } = alert;
  const quota = meter === "" ? "" : quotaName({ meter, period });
  switch (kind) {
    case "threshold": {
      const part = percent(threshold / 10_000);
      const isAhead = alert.index > calendar(time_zone).windowAt(period, alert.at).index;
      const blocked = isAhead ? ": calls will be blocked" : ": calls are blocked";
      return `${quota} at ${part}${isAhead ? ` for ${windowLabel(alert)}` : ""}${threshold >= block_at ? blocked : ""}`;
    }
    case "refusal":
      return `first refusal: ${code}`;
    case "guardrail":
      return `${quota} reached: ${TRIPPED[code] ?? code}`;
    case "holds-expired":
      return `${count(Number(code))} calls of ${windowLabel(alert)} were never settled`;
  }
}

export function alertJson(alert: AlertView, thresholds: Thresholds) {
  const { number, at, kind, user, email, period, meter, threshold, code, printedAt } = alert;
  return {
    number,
    at: formatInstant(at),
    kind,
    user,
    email,
    period,
    window: windowLabel(alert),
    meter: meter === "" ? null : meter,
    threshold: threshold === 0 ? null : threshold / 10_000,
    code: code === "" ? null : code,
    message: `${who(alert)}: ${what(alert, thresholds)}`,
    printed_at: printedAt === null ? null : formatInstant(printedAt),
  };
}

/** How serious an alert looks: what stops calls is bad, the rest is a warning. */
function painted(text: string, alert: AlertView, thresholds: Thresholds, style: Style): string {
  const isBad =
    alert.kind === "guardrail" || (alert.kind === "threshold" && alert.threshold >= thresholds.block_at);
  return isBad ? style.bad(text) : style.warn(text);
}

/** @param local the zone in which times are shown to people; `null` off a terminal: RFC 3339 in UTC */
export function alertsTable(
  alerts: readonly AlertView[],
  thresholds: Thresholds,
  local: string | null,
): Table<AlertView> {
  return {
    rows: alerts,
    empty: "No alerts.",
    columns: [
      {
        key: "number",
        header: "NUMBER",
        priority: 4,
        align: "right",
        text: ({ number }) => String(number),
        value: ({ number }) => number,
      },
      {
        key: "at",
        header: "TIME",
        text: ({ at }) => (local === null ? formatInstant(at) : localTime(at, local)),
        value: ({ at }) => formatInstant(at),
      },
      { key: "kind", header: "KIND", priority: 3, text: ({ kind }) => kind },
      { key: "who", header: "WHO", truncate: true, minWidth: 16, text: who },
      {
        key: "what",
        header: "WHAT",
        truncate: true,
        minWidth: 30,
        text: (alert) => what(alert, thresholds),
        paint: (text, alert, style) => painted(text, alert, thresholds, style),
      },
      {
        key: "printed_at",
        header: "TOLD",
        priority: 2,
        text: ({ printedAt }) => {
          if (printedAt === null) return "new";
          return local === null ? formatInstant(printedAt) : "yes";
        },
        value: ({ printedAt }) => (printedAt === null ? null : formatInstant(printedAt)),
      },
    ],
    notes: local === null || alerts.length === 0 ? [] : [`Times are in ${local}.`],
  };
}

/** One line each, and nothing else: for a mail or a log. */
export function alertLines(
  alerts: readonly AlertView[],
  thresholds: Thresholds,
  { local, style }: { readonly local: string | null; readonly style: Style },
): string {
  const widest = Math.max(0, ...alerts.map((alert) => displayWidth(sanitize(who(alert)))));
  const lines = alerts.map((alert) => {
    const name = sanitize(who(alert));
    const padding = " ".repeat(widest - displayWidth(name));
    const at = local === null ? formatInstant(alert.at) : localTime(alert.at, local);
    return `${style.muted(at)}  ${name}${padding}  ${painted(sanitize(what(alert, thresholds)), alert, thresholds, style)}\n`;
  });
  return lines.join("");
}
