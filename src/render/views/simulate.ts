import type { DayRange } from "../../domain/day-range.js";
import { type Amounts, addAmounts, type Meter, noAmounts } from "../../domain/meter.js";
import { formatUsd, usdString } from "../../domain/money.js";
import { promotionBetween } from "../../domain/promotion.js";
import type { Tier } from "../../domain/tier.js";
import { dayLabel, formatInstant, type Instant, localTime } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { count, list, plural, wrap } from "../text.js";
import { inOrder, limitText } from "./quotas.js";

interface TurnedView {
  readonly calls: number;
  readonly amounts: Readonly<Amounts>;
  readonly first: Instant | null;
}

interface UserName {
  readonly key: string;
  readonly email: string | null;
}

export interface TalliedUser {
  readonly user: UserName;
  readonly calls: number;
  readonly refusedWas: number;
  readonly refusedWould: number;
  readonly refused: TurnedView;
  readonly admitted: TurnedView;
  readonly guessed: number;
  readonly onlyCounted: number;
}

interface RefusalView {
  readonly user: UserName;
  readonly day: number;
  readonly code: string;
  readonly meter: Meter | "";
  readonly was: number;
  readonly would: number;
}

export interface KindView {
  readonly users: readonly TalliedUser[];
  readonly refusals: readonly RefusalView[];
}

export interface SimulationView {
  readonly before: Tier;
  readonly after: Tier;
  readonly range: DayRange;
  readonly zone: string;
  readonly testers: number;
  readonly live: KindView;
  readonly recorded: KindView;
}

type Usage = "live" | "recorded";
type UserRow = TalliedUser & { readonly usage: Usage };
type RefusalRow = RefusalView & { readonly usage: Usage };

export function changedLimits({ before, after }: SimulationView) {
  return inOrder(promotionBetween(before, after).quotas);
}

export function totalOf(users: readonly TalliedUser[]): Omit<TalliedUser, "user"> {
  const sum = (of: (user: TalliedUser) => number) => users.reduce((total, user) => total + of(user), 0);
  const turned = (of: (user: TalliedUser) => TurnedView): TurnedView => ({
    calls: sum((user) => of(user).calls),
    amounts: users.reduce((total, user) => addAmounts(total, of(user).amounts), noAmounts()),
    first: null,
  });
  return {
    calls: sum(({ calls }) => calls),
    refusedWas: sum(({ refusedWas }) => refusedWas),
    refusedWould: sum(({ refusedWould }) => refusedWould),
    refused: turned(({ refused }) => refused),
    admitted: turned(({ admitted }) => admitted),
    guessed: sum(({ guessed }) => guessed),
    onlyCounted: sum(({ onlyCounted }) => onlyCounted),
  };
}

function rowsOf<T>(view: SimulationView, of: (kind: KindView) => readonly T[]) {
  const tell = (usage: Usage) => of(view[usage]).map((each) => ({ ...each, usage }));
  return [...tell("live"), ...tell("recorded")];
}

const nameOf = ({ user }: { readonly user: UserName }) => user.email ?? user.key;

/** @param every whether the usage is told where there is one kind only, too: columns of CSV must not come and go */
function userColumns<Row extends { readonly user: UserName; readonly usage: Usage }>(
  { live, recorded }: SimulationView,
  every: boolean,
): Column<Row>[] {
  const usage: Column<Row> = { key: "usage", header: "USAGE", text: (row) => row.usage };
  const both = live.users.length > 0 && recorded.users.length > 0;
  return [
    {
      key: "user",
      header: "USER",
      truncate: true,
      minWidth: 14,
      text: nameOf,
      value: ({ user }) => user.key,
    },
    ...(both || every ? [usage] : []),
  ];
}

function numbers<Row>(key: string, header: string, of: (row: Row) => number): Column<Row> {
  return { key, header, align: "right", text: (row) => count(of(row)), value: of };
}

function money(key: string, header: string, of: (row: UserRow) => TurnedView): Column<UserRow> {
  const cost = (row: UserRow) => of(row).amounts.cost;
  return {
    key,
    header,
    align: "right",
    priority: 2,
    text: (row) => (of(row).calls === 0 ? "-" : formatUsd(cost(row))),
    value: (row) => usdString(cost(row)),
  };
}

/** Whose calls would have been refused, how often and from when on. */
export function simulatedUsersTable(
  view: SimulationView,
  { width, every }: { readonly width: number | null; readonly every: boolean },
): Table<UserRow> {
  return {
    rows: rowsOf(view, ({ users }) => users),
    empty: emptySentence(view),
    columns: [
      ...userColumns<UserRow>(view, every),
      numbers("calls", "CALLS", ({ calls }) => calls),
      numbers("refused", "REFUSED", ({ refusedWas }) => refusedWas),
      {
        ...numbers<UserRow>("would_be_refused", "WOULD BE", ({ refusedWould }) => refusedWould),
        paint: (text, row, style) => (row.refusedWould > row.refusedWas ? style.warn(text) : text),
      },
      numbers("newly_refused", "NEWLY", ({ refused }) => refused.calls),
      numbers("newly_let_through", "LET IN", ({ admitted }) => admitted.calls),
      money("saves", "SAVES", ({ refused }) => refused),
      money("adds", "ADDS", ({ admitted }) => admitted),
      {
        key: "first_newly_refused_at",
        header: "FIRST",
        priority: 3,
        text: ({ refused }) => firstText(refused.first, view.zone, width),
        value: ({ refused }) => (refused.first === null ? null : formatInstant(refused.first)),
      },
    ],
  };
}

function firstText(at: Instant | null, zone: string, width: number | null): string {
  if (at === null) return "-";
  return width === null ? formatInstant(at) : localTime(at, zone);
}

/** The same by day and reason. */
export function simulatedRefusalsTable(
  view: SimulationView,
  { every }: { readonly every: boolean },
): Table<RefusalRow> {
  return {
    rows: rowsOf(view, ({ refusals }) => refusals),
    empty: emptySentence(view),
    columns: [
      { key: "day", header: "DAY", text: ({ day }) => dayLabel(day) },
      ...userColumns<RefusalRow>(view, every),
      { key: "code", header: "WHY", text: ({ code }) => code },
      {
        key: "meter",
        header: "METER",
        priority: 2,
        text: ({ meter }) => meter || "-",
        value: ({ meter }) => meter || null,
      },
      numbers("refused", "REFUSED", ({ was }) => was),
      {
        ...numbers<RefusalRow>("would_be_refused", "WOULD BE", ({ would }) => would),
        paint: (text, { was, would }, style) => (would > was ? style.warn(text) : text),
      },
    ],
  };
}

function emptySentence({ before, testers, live, recorded }: SimulationView): string {
  if (testers === 0) return `Nobody was on ${before.key} in that time.`;
  if (live.users.length + recorded.users.length === 0) {
    return `No calls on ${before.key} of the ${plural(testers, "tester")} who ${testers === 1 ? "was" : "were"} on it in that time.`;
  }
  return "Nothing was refused, and nothing would be.";
}

/** What is tried, the table, and what it comes to. */
export function simulationText<Row>(
  view: SimulationView,
  table: Table<Row>,
  style: Style,
  width: number | null,
): string {
  const notes = simulationNotes(view);
  return [
    ...wrapped(headline(view, style), width),
    "",
    renderTable(table, { style, width }).trimEnd(),
    ...(notes.length === 0 ? [] : ["", ...notes.flatMap((note) => wrapped(note, width))]),
    "",
  ].join("\n");
}

function wrapped(text: string, width: number | null): string[] {
  return width === null ? [text] : wrap(text, width);
}

function headline(view: SimulationView, style: Style): string {
  const { before, after, range, zone } = view;
  const limits = changedLimits(view).map(
    ({ meter, period, from, to }) =>
      `${meter}/${period} ${limitText(meter, to)} instead of ${limitText(meter, from)}`,
  );
  const ceiling = ({ callTokens }: Tier) =>
    callTokens === undefined ? "what the setting says" : limitText("tokens", callTokens);
  if (before.callTokens !== after.callTokens) {
    limits.push(`tokens per call ${ceiling(after)} instead of ${ceiling(before)}`);
  }
  const from = range.from === Number.MIN_SAFE_INTEGER ? "from the beginning" : dayLabel(range.from);
  const tried = limits.length === 0 ? "with the limits as they were" : `with ${list(limits)}`;
  return `${style.heading(before.key)} (${sanitize(before.label)}) ${tried}; ${from} to ${dayLabel(range.to - 1)} (${zone})`;
}

function simulationNotes(view: SimulationView): string[] {
  const live = totalOf(view.live.users);
  const recorded = totalOf(view.recorded.users);
  const notes: string[] = [];
  if (live.calls > 0) {
    const refused = `${count(live.refusedWas)} ${live.refusedWas === 1 ? "was" : "were"} refused`;
    notes.push(
      `Live: of ${plural(live.calls, "call")} ${refused}, ${count(live.refusedWould)} would be.${turnedText(live)}`,
    );
  }
  if (recorded.calls > 0) {
    const of = `of ${plural(recorded.calls, "call")}`;
    const was = `the limits as they were would have refused ${count(recorded.refusedWas)}`;
    notes.push(
      `Only recorded, as if each had asked: ${of} ${was}, these ${count(recorded.refusedWould)}.${turnedText(recorded)}`,
    );
  }
  if (live.guessed > 0) {
    notes.push(
      `${plural(live.guessed, "call")} let through had not said for how much: counted as the tester's average call.`,
    );
  }
  if (live.onlyCounted > 0) {
    const calls = plural(live.onlyCounted, "refused call");
    notes.push(`Of ${calls} only the number is known, so that they stay refused.`);
  }
  return notes;
}

function turnedText({ refused, admitted }: Omit<TalliedUser, "user">): string {
  const saves = `${count(refused.calls)} let through would be refused, saving ${formatUsd(refused.amounts.cost)}.`;
  const adds = `${count(admitted.calls)} refused would be let through, for about ${formatUsd(admitted.amounts.cost)}.`;
  return [refused.calls > 0 ? ` ${saves}` : "", admitted.calls > 0 ? ` ${adds}` : ""].join("");
}
