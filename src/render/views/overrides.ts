import type { Override } from "../../domain/entitlement.js";
import { quotaName } from "../../domain/meter.js";
import type { Tier } from "../../domain/tier.js";
import type { User } from "../../domain/user.js";
import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Table } from "../table.js";
import { plural } from "../text.js";
import { limitJson, limitText, limitValue } from "./quotas.js";
import { type Printing, sentences } from "./sentences.js";
import { overrideJson, overrideText } from "./user.js";
import { userJson } from "./users.js";

export interface OverriddenView {
  readonly user: User;
  readonly tier: Tier;
  readonly added: readonly Override[];
  readonly replaced: readonly Override[];
  readonly live: readonly Override[];
  readonly timeZone: string;
}

export function overriddenJson({ user, added, replaced, live }: OverriddenView) {
  return {
    user: userJson(user),
    added: added.map(overrideJson),
    replaced: replaced.map(overrideJson),
    overrides: live.map(overrideJson),
  };
}

/** What `override add` did. */
export function overriddenText(view: OverriddenView, { dryRun, style, width }: Printing): string {
  const { user, tier, added, replaced, live, timeZone } = view;
  const head = dryRun ? "Would override" : "Overrode";
  const who = nameOf(user);
  const told = (override: Override) => overrideText(override, timeZone, width);
  const others = live.filter((each) => !added.some(({ id }) => id === each.id));
  const said = sentences(
    [`${head} what ${who} may use on ${tier.key} (${sanitize(tier.label)}), from the next call on.`],
    width,
    [head, style.ok],
    [who, style.emphasis],
  );
  const fields = [
    ...labelled("from now on", added.map(told)),
    ...labelled("instead of", replaced.map(told)),
    ...labelled("beside", others.map(told)),
  ];
  return `${said}\n${renderFields(fields, { style, width })}`;
}

/** Several values under one label. */
function labelled(label: string, values: readonly string[]): Field[] {
  return values.map((value, index) => [index === 0 ? label : "", value]);
}

function nameOf({ email, key }: User): string {
  return sanitize(email ?? key);
}

export interface RevokedView {
  readonly user: User;
  readonly tier: Tier;
  readonly revoked: readonly Override[];
  readonly live: readonly Override[];
  readonly timeZone: string;
}

export function revokedJson({ user, revoked, live }: RevokedView) {
  return {
    user: userJson(user),
    revoked: revoked.map(overrideJson),
    overrides: live.map(overrideJson),
  };
}

/** What `override revoke` did. */
export function revokedText(view: RevokedView, { dryRun, style, width }: Printing): string {
  const { user, tier, revoked, live, timeZone } = view;
  const head = dryRun ? "Would revoke" : "Revoked";
  const who = nameOf(user);
  const told = (override: Override) => overrideText(override, timeZone, width);
  const said = sentences(
    [
      `${head} ${plural(revoked.length, "override")} of ${who}: ${tier.key} (${sanitize(tier.label)}) decides again from the next call on.`,
    ],
    width,
    [head, style.ok],
    [who, style.emphasis],
  );
  const fields = [...labelled("revoked", revoked.map(told)), ...labelled("still on", live.map(told))];
  return `${said}\n${renderFields(fields, { style, width })}`;
}

export interface ListedOverrideView {
  readonly user: User;
  readonly override: Override;
  readonly otherwise: number | null | boolean;
}

export function listedOverrideJson({ user, override, otherwise }: ListedOverrideView) {
  return {
    user: user.key,
    email: user.email,
    tier: user.tier,
    ...overrideJson(override),
    tier_says:
      override.kind === "quota" ? limitJson(override.meter, otherwise as number | null) : otherwise === true,
  };
}

/** Every live override; `zone` null: times in RFC 3339 UTC. */
export function overridesTable(
  rows: readonly ListedOverrideView[],
  zone: string | null,
): Table<ListedOverrideView> {
  const moment = (at: Instant) => (zone === null ? formatInstant(at) : localTime(at, zone));
  return {
    rows,
    empty: "No overrides: every tester may use what their tier says.",
    columns: [
      {
        key: "user",
        header: "USER",
        truncate: true,
        minWidth: 16,
        text: ({ user }) => user.email ?? user.key,
      },
      { key: "tier", header: "TIER", priority: 6, text: ({ user }) => user.tier },
      {
        key: "override",
        header: "OVERRIDE",
        text: ({ override }) => (override.kind === "quota" ? quotaName(override) : override.feature),
      },
      {
        key: "value",
        header: "SAYS",
        align: "right",
        text: ({ override }) =>
          saysText(override, override.kind === "quota" ? override.limit : override.granted),
        value: ({ override }) =>
          saysValue(override, override.kind === "quota" ? override.limit : override.granted),
        paint: (text, _row, style) => style.emphasis(text),
      },
      {
        key: "tier_value",
        header: "TIER SAYS",
        align: "right",
        priority: 5,
        text: ({ override, otherwise }) => saysText(override, otherwise),
        value: ({ override, otherwise }) => saysValue(override, otherwise),
      },
      {
        key: "since",
        header: "SINCE",
        priority: 7,
        text: ({ override }) => moment(override.since),
        value: ({ override }) => formatInstant(override.since),
      },
      {
        key: "until",
        header: "UNTIL",
        priority: 2,
        text: ({ override: { until } }) => (until === null ? "revoked" : moment(until)),
        value: ({ override: { until } }) => (until === null ? null : formatInstant(until)),
      },
      {
        key: "reason",
        header: "REASON",
        priority: 4,
        truncate: true,
        minWidth: 16,
        text: ({ override }) => override.reason ?? "-",
        value: ({ override }) => override.reason,
      },
    ],
    notes: zone === null || rows.length === 0 ? [] : [`Times are in ${zone}.`],
  };
}

function saysText(override: Override, says: number | null | boolean): string {
  if (override.kind === "feature") return says === true ? "granted" : "denied";
  return limitText(override.meter, says as number | null);
}

function saysValue(override: Override, says: number | null | boolean): string | number {
  if (override.kind === "feature") return says === true ? "granted" : "denied";
  return limitValue(override.meter, says as number | null);
}
