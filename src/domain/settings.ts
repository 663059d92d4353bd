import { AlphaError } from "../errors.js";
import type { Quota } from "./meter.js";
import { formatUsd, NANOS_PER_USD, type Nanos, parseUsd } from "./money.js";
import type { PlanningRates } from "./price.js";
import { calendar, formatDuration, parseDuration } from "./window.js";

/** What to do with usage that no price covers. */
export const UNPRICED_RULES = ["assume", "block", "ignore"] as const;
export type UnpricedRule = (typeof UNPRICED_RULES)[number];

/** How hard a commit is: `normal` survives a crash of the process, `full` also a power cut. */
export const DURABILITIES = ["normal", "full"] as const;
export type Durability = (typeof DURABILITIES)[number];

/** Everything that decides and is not a tier, a user, a stop or a price. Kept in the database, versioned. */
export interface Settings {
  /** The accounting zone: an IANA time zone. */
  readonly time_zone: string;
  /** The tier on which new testers start. */
  readonly default_tier: string;
  /** From which part of a limit a decision warns, in basis points (1/100 %). */
  readonly warn_at: number;
  /** From which part of a limit a new call is blocked, in basis points. */
  readonly block_at: number;
  /** How long a reservation holds what it asked for, in milliseconds. */
  readonly hold_ttl: number;
  /** Tokens that one call may use, where its tier does not say otherwise; `null`: unlimited. */
  readonly call_tokens: number | null;
  readonly unpriced: UnpricedRule;
  /** Planning rate for tokens, in nanos per million. */
  readonly planning_tokens: Nanos;
  /** Planning rate for one image, in nanos. */
  readonly planning_image: Nanos;
  /** Tokens per user and day while throttled. */
  readonly emergency_tokens: number;
  /** Cost per user and day while throttled, in nanos. */
  readonly emergency_cost: Nanos;
  readonly durability: Durability;
}

export type SettingKey = keyof Settings;

/** How `null` is written, typed and stored. */
const UNLIMITED = "unlimited";

export const INITIAL_SETTINGS: Settings = {
  time_zone: "UTC",
  default_tier: "free",
  warn_at: 8_000,
  block_at: 9_500,
  hold_ttl: 10 * 60_000,
  call_tokens: null,
  unpriced: "assume",
  planning_tokens: 100 * NANOS_PER_USD,
  planning_image: NANOS_PER_USD / 20,
  emergency_tokens: 1_000,
  emergency_cost: 5 * NANOS_PER_USD,
  durability: "normal",
};

interface SettingRule<T> {
  readonly describes: string;
  /** From what an operator types; throws a usage error that says what would be right. */
  parse(text: string): T;
  print(value: T): string;
}

const basisPoints: Omit<SettingRule<number>, "describes"> = {
  parse(text) {
    const match = /^(\d{1,3})(?:\.(\d{1,2}))?%$/.exec(text.trim());
    const points = match
      ? Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"))
      : /^\d{1,5}$/.test(text.trim())
        ? Number(text)
        : Number.NaN;
    // Whoever types 95 means 95%; taken as basis points it would refuse nearly every call.
    if (match === null && points >= 1 && points <= 100) {
      throw new AlphaError("usage", `"${text}" could mean ${points}% or ${points} basis points`, {
        hint: `write ${points}%, or ${points * 100} in basis points`,
      });
    }
    if (!(points >= 1 && points <= 10_000)) {
      throw new AlphaError("usage", `"${text}" is not a threshold`, {
        hint: "give a percentage such as 80%, or basis points from 1 to 10000",
      });
    }
    return points;
  },
  print: (value) => `${value / 100}%`,
};

function oneOf<T extends string>(choices: readonly T[]): Omit<SettingRule<T>, "describes"> {
  return {
    parse(text) {
      const found = choices.find((choice) => choice === text.trim().toLowerCase());
      if (found === undefined) {
        throw new AlphaError("usage", `"${text}" is not one of ${choices.join(", ")}`);
      }
      return found;
    },
    print: (value) => value,
  };
}

function money(unit: string): Omit<SettingRule<Nanos>, "describes"> {
  return {
    parse(text) {
      const nanos = parseUsd(text);
      if (nanos === null || nanos < 0) {
        throw new AlphaError("usage", `"${text}" is not an amount in US dollars`, {
          hint: "for example 5.00",
        });
      }
      return nanos;
    },
    print: (value) => `${formatUsd(value)}${unit}`,
  };
}

export const SETTING_RULES: { readonly [K in SettingKey]: SettingRule<Settings[K]> } = {
  time_zone: {
    describes: "accounting zone: where days and months begin",
    parse: (text) => calendar(text.trim()).zone,
    print: (value) => value,
  },
  default_tier: {
    describes: "tier on which new testers start",
    parse: (text) => text.trim(),
    print: (value) => value,
  },
  warn_at: { describes: "part of a limit from which a decision warns", ...basisPoints },
  block_at: { describes: "part of a limit from which new calls are blocked", ...basisPoints },
  hold_ttl: {
    describes: "how long a reservation holds without being settled",
    parse(text) {
      const ms = parseDuration(text);
      if (ms === null || ms < 1_000) {
        throw new AlphaError("usage", `"${text}" is not a duration of a second or more`, {
          hint: "for example 10m or 1h30m",
        });
      }
      return ms;
    },
    print: formatDuration,
  },
  call_tokens: {
    describes: "tokens that one call may use at most, where its tier says nothing",
    parse(text) {
      const digits = text.replaceAll(",", "").trim();
      if (digits.toLowerCase() === UNLIMITED) return null;
      const ceiling = /^\d+$/.test(digits) ? Number(digits) : 0;
      if (Number.isSafeInteger(ceiling) && ceiling >= 1) return ceiling;
      throw new AlphaError("usage", `"${text}" is not a whole number of 1 or more`, {
        hint: "the word unlimited removes the ceiling",
      });
    },
    print: (value) => (value === null ? UNLIMITED : String(value)),
  },
  unpriced: { describes: "what to do with usage that no price covers", ...oneOf(UNPRICED_RULES) },
  planning_tokens: { describes: "planning rate for tokens", ...money(" per million") },
  planning_image: { describes: "planning rate for an image", ...money(" each") },
  emergency_tokens: {
    describes: "tokens per user and day while throttled",
    parse(text) {
      const digits = text.replaceAll(",", "").trim();
      const limit = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
      if (!Number.isSafeInteger(limit)) {
        throw new AlphaError("usage", `"${text}" is not a whole number of 0 or more`);
      }
      return limit;
    },
    print: String,
  },
  emergency_cost: { describes: "cost per user and day while throttled", ...money(" a day") },
  durability: {
    describes: "what a commit survives: a crash (normal) or a power cut (full)",
    ...oneOf(DURABILITIES),
  },
};

export const SETTING_KEYS = Object.keys(INITIAL_SETTINGS) as SettingKey[];

export function planningRates(settings: Settings): PlanningRates {
  return { perMillionTokens: settings.planning_tokens, perImage: settings.planning_image };
}

export function emergencyLimits(settings: Settings): Quota[] {
  return [
    { meter: "tokens", period: "day", limit: settings.emergency_tokens },
    { meter: "cost", period: "day", limit: settings.emergency_cost },
  ];
}

/** What is stored for a setting: text that reads back to exactly the same value. */
export function storedSetting(value: Settings[SettingKey]): string {
  return value === null ? UNLIMITED : String(value);
}

/** Reads stored settings over the initial ones; a key that this version does not know is ignored. */
export function readSettings(stored: ReadonlyMap<string, string>): Settings {
  const settings: Record<string, string | number | null> = { ...INITIAL_SETTINGS };
  for (const key of SETTING_KEYS) {
    const text = stored.get(key);
    if (text === undefined) continue;
    if (typeof INITIAL_SETTINGS[key] === "string") settings[key] = text;
    else settings[key] = text === UNLIMITED ? null : Number(text);
  }
  return settings as unknown as Settings;
}
