import type { Amounts } from "../../domain/meter.js";
import { formatUsd, moneyJson, usdString } from "../../domain/money.js";
import type { CallKind } from "../../domain/usage.js";
import { formatDuration, formatInstant, type Instant } from "../../domain/window.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { count, list, plural, wrap } from "../text.js";

export interface HoldView {
  readonly id: string;
  readonly user: string;
  readonly email: string | null;
  readonly kind: CallKind;
  readonly amounts: Readonly<Amounts>;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly expired: boolean;
}

interface HoldsView {
  readonly holds: readonly HoldView[];
  readonly now: Instant;
}

export function holdJson(hold: HoldView, now: Instant) {
  return {
    user: hold.user,
    email: hold.email,
    id: hold.id,
    ...hold.kind,
    ...amountsJson(hold.amounts),
    created_at: formatInstant(hold.createdAt),
    expires_at: formatInstant(hold.expiresAt),
    age_seconds: ageOf(hold, now) / 1_000,
    expired: hold.expired,
  };
}

function amountsJson({ tokens, images, requests, cost }: Summed) {
  return { tokens, images, requests, cost: moneyJson(cost) };
}

/** What is held, and what was held by those that expired, each added up. */
export function totalsJson(holds: readonly HoldView[]) {
  const sum = (of: readonly HoldView[]) => ({ holds: of.length, ...amountsJson(totalOf(of)) });
  return { live: sum(liveOf(holds)), expired: sum(holds.filter((hold) => hold.expired)) };
}

export function liveOf(holds: readonly HoldView[]): HoldView[] {
  return holds.filter((hold) => !hold.expired);
}

/** Amounts, also added up: over everybody, money may leave the safe integers. */
interface Summed {
  readonly tokens: number;
  readonly images: number;
  readonly requests: number;
  readonly cost: number | bigint;
}

function totalOf(holds: readonly HoldView[]): Summed {
  const total = { tokens: 0, images: 0, requests: 0, cost: 0n };
  for (const { amounts } of holds) {
    total.tokens += amounts.tokens;
    total.images += amounts.images;
    total.requests += amounts.requests;
    total.cost += BigInt(amounts.cost);
  }
  return total;
}

/** Clocks of several machines differ a little. */
function ageOf({ createdAt }: HoldView, now: Instant): number {
  return Math.max(0, now - createdAt);
}

/** A row as it is printed; a foot has no hold. */
interface Line {
  readonly hold: HoldView | null;
  readonly label: string;
  readonly expired: boolean;
  readonly amounts: Summed;
}

function lineOf(hold: HoldView): Line {
  return { hold, label: hold.email ?? hold.user, expired: hold.expired, amounts: hold.amounts };
}

function feetOf(holds: readonly HoldView[]): Line[] {
  return [false, true].flatMap((expired) => {
    const of = holds.filter((hold) => hold.expired === expired);
    const label = `${count(of.length)} ${expired ? "expired" : "live"}`;
    return of.length === 0 ? [] : [{ hold: null, label, expired, amounts: totalOf(of) }];
  });
}

/**
 * @param options.people on a terminal: how long ago and how long from now, instead of instants
 * @param options.notes whether to say what can be done
 */
export function holdsTable(
  { holds, now }: HoldsView,
  { people, notes }: { readonly people: boolean; readonly notes: boolean },
): Table<Line> {
  const anyExpired = holds.some((hold) => hold.expired);
  return {
    rows: holds.map(lineOf),
    foot: feetOf(holds),
    empty: "Nothing is held.",
    columns: [
      {
        key: "user",
        header: "USER",
        truncate: true,
        minWidth: 12,
        text: ({ label }) => label,
      },
      // Never shortened: it is what release is given.
      ofHold("hold", "HOLD", 1, (hold) => hold.id),
      named("provider", 6),
      { ...named("model", 3), minWidth: 11 },
      named("feature", 4),
      amount("tokens", "TOKENS", 2),
      amount("images", "IMAGES", holds.every(({ amounts }) => amounts.images === 0) ? 9 : 5),
      amount("requests", "REQUESTS", 10),
      {
        key: "cost_usd",
        header: "COST",
        priority: 2,
        align: "right",
        text: ({ amounts }) => formatUsd(amounts.cost),
        value: ({ amounts }) => usdString(amounts.cost),
      },
      moment(
        "created_at",
        people ? "AGE" : "SINCE",
        2,
        ({ createdAt }) => createdAt,
        people,
        (hold) => formatDuration(Math.max(1_000, ageOf(hold, now))),
      ),
      {
        ...moment(
          "expires_at",
          "EXPIRES",
          1,
          ({ expiresAt }) => expiresAt,
          people,
          ({ expiresAt, expired }) =>
            expired
              ? `${formatDuration(Math.max(1_000, now - expiresAt))} ago`
              : `in ${formatDuration(expiresAt - now)}`,
        ),
        paint: (text, { hold }, style) => (hold?.expired === true ? style.warn(text) : text),
      },
      // People see it from when it expires.
      ...(people ? [] : [ofHold("state", "STATE", 1, ({ expired }) => (expired ? "expired" : "live"))]),
    ],
    notes:
      notes && anyExpired
        ? [
            "Expired ones take no room any more, but nobody settled them: what their calls used is not counted.",
            "Clear them with: alpha holds release --expired",
          ]
        : [],
  };
}

function ofHold(
  key: string,
  header: string,
  priority: number,
  text: (hold: HoldView) => string,
): Column<Line> {
  return { key, header, priority, text: ({ hold }) => (hold === null ? "" : text(hold)) };
}

function named(key: "provider" | "model" | "feature", priority: number): Column<Line> {
  return {
    ...ofHold(key, key.toUpperCase(), priority, ({ kind }) => kind[key] || "-"),
    truncate: true,
    value: ({ hold }) => hold?.kind[key] || null,
  };
}

function amount(key: "tokens" | "images" | "requests", header: string, priority: number): Column<Line> {
  return {
    key,
    header,
    priority,
    align: "right",
    text: ({ amounts }) => count(amounts[key]),
    value: ({ amounts }) => amounts[key],
  };
}

function moment(
  key: string,
  header: string,
  priority: number,
  at: (hold: HoldView) => Instant,
  people: boolean,
  inWords: (hold: HoldView) => string,
): Column<Line> {
  return {
    ...ofHold(key, header, priority, (hold) => (people ? inWords(hold) : formatInstant(at(hold)))),
    value: ({ hold }) => (hold === null ? null : formatInstant(at(hold))),
  };
}

/** `freed`: what can be used again, since it was held by those that were still live. */
export function releasedJson({ holds, now }: HoldsView) {
  return {
    released: holds.map((hold) => holdJson(hold, now)),
    freed: amountsJson(totalOf(liveOf(holds))),
  };
}

/** What `holds release` did. */
export function releasedText(
  view: HoldsView,
  dryRun: boolean,
  { style, width }: { readonly style: Style; readonly width: number | null },
): string {
  const { holds } = view;
  if (holds.length === 0) return "There was nothing to release.\n";
  const freed = liveOf(holds);
  const live = freed.length;
  const expired = holds.length - live;
  const head = dryRun ? "Would release" : "Released";
  const said = [`${head} ${plural(holds.length, "hold")}.`];
  if (live > 0) said.push(`Free again from the next decision on: ${amountsInWords(totalOf(freed))}.`);
  if (expired > 0) said.push(`${live === 0 ? "All" : count(expired)} had expired and took no room any more.`);
  if (live > 0) said.push("A call that still settles is counted all the same.");
  const lines = said.flatMap((sentence) => (width === null ? [sentence] : wrap(sentence, width)));
  const table = renderTable(holdsTable(view, { people: width !== null, notes: false }), { width, style });
  return `${table}\n${lines.join("\n").replace(head, style.ok(head))}\n`;
}

function amountsInWords({ tokens, images, requests, cost }: Summed): string {
  return list([
    ...(tokens === 0 ? [] : [plural(tokens, "token")]),
    ...(images === 0 ? [] : [plural(images, "image")]),
    formatUsd(cost),
    plural(requests, "request"),
  ]);
}
