import { quotaName } from "../../domain/meter.js";
import { FIGURE_COLUMNS, type Figure, figuresOf } from "../figures.js";
import type { Table } from "../table.js";
import { statusJson } from "./status-json.js";
import { sortedUsers } from "./status-users.js";
import { nameOf, type StatusSort, type StatusView } from "./status-view.js";

/** One figure of the status: in which part, and of what in it. */
interface StatusRow extends Figure {
  readonly section: string;
  readonly name: string;
}

/** The status for CSV and Markdown, one figure a row, since its parts have no columns in common. */
export function statusTable(status: StatusView, sort: StatusSort): Table<StatusRow> {
  return {
    rows: rowsOf(status, sort),
    empty: "",
    columns: [
      { key: "section", header: "SECTION", text: ({ section }) => section },
      { key: "name", header: "NAME", text: ({ name }) => name },
      ...FIGURE_COLUMNS,
    ],
  };
}

function rowsOf(status: StatusView, sort: StatusSort): StatusRow[] {
  const users = sortedUsers(status.users, sort);
  const json = statusJson({ ...status, users });
  const { yesterdays_hourly_cost, yesterday, ...spending } = json.spending;
  const spent = { ...spending, yesterday: { ...yesterday, hourly_cost: yesterdays_hourly_cost } };
  const { at, time_zone, all_well, new_alerts, last_event, last_live_use, last_reset } = json;
  return [
    ...section("status", "", { at, time_zone, all_well }),
    ...json.concerns.flatMap(({ code, ...concern }) => section("concern", code, concern)),
    ...json.stops.flatMap(({ id, ...stop }) => section("stop", String(id), stop)),
    ...Object.entries(spent).flatMap(([time, sums]) => section("spending", time, sums)),
    ...json.guardrails.flatMap(({ meter, period, ...guardrail }) =>
      section("guardrail", quotaName({ meter, period }), guardrail),
    ),
    ...json.users.flatMap(({ tier, status: standing, state, today, fullest }, index) =>
      section("tester", nameOf(users[index]!), {
        tier,
        status: standing,
        state,
        ...today,
        fullest: fullest === null ? null : quotaName(fullest),
        ratio: fullest?.ratio ?? null,
      }),
    ),
    ...section("testers", "", json.testers),
    ...json.refusals.codes.flatMap(({ code, count }) => section("refused", code, { calls: count })),
    ...json.unpriced.flatMap(({ model, ...unpriced }) => section("unpriced", model, unpriced)),
    ...section("holds", "", json.holds),
    ...section("last_event", "", last_event ?? {}),
    ...section("last_reset", "", last_reset ?? {}),
    ...section("system", "", {
      new_alerts,
      last_live_use_at: last_live_use,
      days_to_close: json.days_to_close,
      size_bytes: json.size_bytes,
    }),
  ];
}

function section(name: string, of: string, record: Readonly<Record<string, unknown>>): StatusRow[] {
  return figuresOf(record).map((figure) => ({ section: name, name: of, ...figure }));
}
