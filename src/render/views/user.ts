import type { Override } from "../../domain/entitlement.js";
import { quotaName } from "../../domain/meter.js";
import { PERSONAS } from "../../domain/persona.js";
import { ALL_FEATURES, type Tier } from "../../domain/tier.js";
import type { User } from "../../domain/user.js";
import { formatInstant, type Instant } from "../../domain/window.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { renderTable } from "../table.js";
import { count } from "../text.js";
import { limitJson, limitText, momentText, type QuotaView, quotaStateJson, quotasTable } from "./quotas.js";
import { STATUS_PAINT, userJson } from "./users.js";

export interface UserView {
  readonly user: User;
  readonly tier: Tier;
  readonly since: { readonly tier: Instant; readonly status: Instant };
  readonly quotas: readonly QuotaView[];
  readonly overrides: readonly Override[];
  readonly features: readonly string[];
  readonly deniedFeatures: readonly string[];
  readonly timeZone: string;
}

export function overrideJson(override: Override) {
  const { kind, reason, since, until } = override;
  const common = { reason, since: formatInstant(since), until: until === null ? null : formatInstant(until) };
  return kind === "quota"
    ? {
        kind,
        meter: override.meter,
        period: override.period,
        limit: limitJson(override.meter, override.limit),
        ...common,
      }
    : { kind, feature: override.feature, granted: override.granted, ...common };
}

/** What an override says, until when and why: `tokens/day 5,000 until 2026-12-01 00:00 UTC (launch week)`. */
export function overrideText(override: Override, zone: string, width: number | null): string {
  const { kind, reason, until } = override;
  const what =
    kind === "quota"
      ? `${quotaName(override)} ${limitText(override.meter, override.limit)}`
      : `${override.feature} ${override.granted ? "granted" : "denied"}`;
  const end = until === null ? "until revoked" : `until ${momentText(until, zone, width)}`;
  return `${what} ${end}${reason === null ? "" : ` (${reason})`}`;
}

export function shownUserJson(view: UserView) {
  const { user, tier, since, quotas, overrides, features, deniedFeatures } = view;
  return {
    ...userJson(user),
    tier_label: tier.label,
    tier_since: formatInstant(since.tier),
    status_since: formatInstant(since.status),
    quotas: quotas.map(quotaStateJson),
    features,
    denied_features: deniedFeatures,
    overrides: overrides.map(overrideJson),
  };
}

/** What is expected of a tester. */
export function personaText({ persona }: Pick<User, "persona">): string {
  if (persona === null) return "none given";
  const { tokensPerDay, imagesPerDay } = PERSONAS[persona];
  return `${persona}: expected to use ${count(tokensPerDay)} tokens and ${imagesPerDay} images a day`;
}

export function featuresText(features: readonly string[], denied: readonly string[] = []): string {
  const every = features.includes(ALL_FEATURES) ? `all (${features.join(", ")})` : features.join(", ");
  const allowed = features.length === 0 ? "none" : every;
  return denied.length === 0 ? allowed : `${allowed}; not ${denied.join(", ")}`;
}

export function shownUserText(view: UserView, style: Style, width: number | null): string {
  const { user, tier, since, overrides, timeZone } = view;
  const moment = (at: Instant) => momentText(at, timeZone, width);
  const fields: Field[] = [
    ["id", user.key],
    ["name", user.name ?? "-"],
    ["aliases", user.aliases.length === 0 ? "-" : user.aliases.join(", ")],
    ["tier", `${tier.key} (${tier.label}), since ${moment(since.tier)}`],
    [
      "status",
      user.status === "active" ? user.status : `${user.status}, since ${moment(since.status)}`,
      (text) => style[STATUS_PAINT[user.status]](text),
    ],
    ["persona", personaText(user)],
    ["added", moment(user.createdAt)],
    ["features", featuresText(view.features, view.deniedFeatures)],
    ...(overrides.length === 0 ? [["overrides", "-"] as const] : []),
    ...overrides.map(
      (each, index): Field => [index === 0 ? "overrides" : "", overrideText(each, timeZone, width)],
    ),
  ];
  const title = style.heading(sanitize(user.email ?? user.key));
  const table = renderTable(quotasTable(view.quotas, timeZone, width), { style, width });
  return `${title}\n${renderFields(fields, { style, width })}\n${table}`;
}
