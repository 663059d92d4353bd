import { METERS, type Meter } from "../../domain/meter.js";
import { formatUsd, moneyJson } from "../../domain/money.js";
import { SETTING_KEYS } from "../../domain/settings.js";
import { formatInstant, localTime, parseInstant } from "../../domain/window.js";
import { count } from "../text.js";
import { limitText } from "./quotas.js";
import { rateText } from "./rates.js";
import { settingText, settingValueJson } from "./settings.js";

/** One thing that a change made different; `null`: it was not there, or is no more. */
export interface ChangedField {
  readonly label: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What the audit says about a change. `before` and `after` are as they were written down: plain JSON. */
export interface StatesView {
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Plain = Readonly<Record<string, unknown>>;

/** In which zone instants are told; `null` off a terminal: RFC 3339 in UTC. */
type Zone = string | null;

/** What is different after a change, in the order in which it was written down; what stayed is left out. */
export function changedFields({ subject, before, after }: StatesView, local: Zone): ChangedField[] {
  const [old, fresh] = [fieldsOf(before, subject, local), fieldsOf(after, subject, local)];
  // A quota that is not there does not limit.
  const missing = (label: string, state: unknown) =>
    state !== null && METERS.some((meter) => label.startsWith(`${meter}/`)) ? "unlimited" : null;
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((label) => {
    const [was, is] = [old.get(label) ?? missing(label, before), fresh.get(label) ?? missing(label, after)];
    return was === is ? [] : [{ label, before: was, after: is }];
  });
}

/** A change in one line: `tier free → basic`. */
export function changeText(view: StatesView, local: Zone): string {
  const said = changedFields(view, local).map(({ label, before, after }) => {
    const words = label === "" ? "" : `${label} `;
    if (view.after === null || before === null) return `${words}${before ?? after}`;
    return `${words}${before} → ${after ?? "nothing"}`;
  });
  return said.length > 0 && view.after === null ? `ended: ${said.join(", ")}` : said.join(", ");
}

function fieldsOf(state: unknown, subject: string, local: Zone): Map<string, string> {
  const fields = new Map<string, string>();
  if (isPlain(state)) for (const [key, value] of Object.entries(state)) add(fields, key, value);
  else if (state !== null && state !== undefined) fields.set("", String(state));
  return fields;

  function add(to: Map<string, string>, key: string, value: unknown): void {
    const setting = settingOf(subject);
    if (key === "value" && setting !== undefined) to.set("", settingText(setting, value as never));
    else if (key === "callTokens") to.set("tokens a call", limitText("tokens", value as number | null));
    else if (value === null || value === undefined || value === "" || isInSubject(key, subject)) return;
    else if (key === "quotas" && Array.isArray(value)) {
      for (const { meter, period, limit } of value) to.set(`${meter}/${period}`, limitText(meter, limit));
    } else if (key === "overrides" && Array.isArray(value)) {
      for (const each of value) to.set(...overrideField(each, local));
    } else if (key === "rates" && isPlain(value)) {
      for (const [unit, rate] of Object.entries(value)) to.set(wordsOf(unit), rateText(rate as number));
    } else if (isPlain(value)) {
      for (const [part, member] of Object.entries(value)) add(to, `${key} ${part}`, member);
    } else to.set(wordsOf(key), valueText(key, value, subject, local));
  }
}

function overrideField(override: Plain, local: Zone): [string, string] {
  const { meter, period, limit, feature, granted, until } = override;
  const end = typeof until === "string" ? ` until ${momentText(until, local)}` : "";
  return feature === undefined
    ? [`override of ${meter}/${period}`, `${limitText(meter as Meter, limit as number | null)}${end}`]
    : [`override of ${feature}`, `${granted === true ? "granted" : "denied"}${end}`];
}

function valueText(key: string, value: unknown, subject: string, local: Zone): string {
  if (Array.isArray(value)) {
    return value.every((each) => typeof each === "string") ? value.join(", ") || "none" : count(value.length);
  }
  if (isInstant(key, value) || (typeof value === "string" && MOMENTS.has(key)))
    return momentText(value, local);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  return isMoney(key, subject) ? formatUsd(value) : count(value);
}

function momentText(at: number | string, local: Zone): string {
  const instant = typeof at === "number" ? at : parseInstant(at);
  if (instant === null) return String(at);
  return local === null ? formatInstant(instant) : localTime(instant, local);
}

/** A state as JSON shows it: keys in snake_case, money and instants as everywhere. */
export function stateJson(state: unknown, subject: string): unknown {
  const setting = settingOf(subject);
  const converted = (key: string, value: unknown, within: Plain): unknown => {
    if (key === "value" && setting !== undefined) return settingValueJson(setting, value as never);
    if (Array.isArray(value)) return value.map((each) => converted("", each, {}));
    if (isPlain(value)) {
      const inner = key === "rates" ? "rates" : "";
      return Object.fromEntries(
        Object.entries(value).map(([name, member]) => [
          snakeCase(name),
          converted(inner || name, member, value),
        ]),
      );
    }
    if (isInstant(key, value)) return momentText(value, null);
    const isCost = isMoney(key, subject) || key === "rates" || (key === "limit" && within.meter === "cost");
    return typeof value === "number" && isCost ? moneyJson(value) : (value ?? null);
  };
  return converted("", state, {});
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keys of instants. */
const MOMENTS: ReadonlySet<string> = new Set(["from", "since", "until"]);

function isInstant(key: string, value: unknown): value is number {
  return MOMENTS.has(key) && typeof value === "number";
}

/** What the subject of an entry says already. */
function isInSubject(key: string, subject: string): boolean {
  if (subject.startsWith("price:")) return key === "provider" || key === "model";
  return key === "key" && (subject.startsWith("user:") || subject.startsWith("tier:"));
}

function isMoney(key: string, subject: string): boolean {
  return key === "cost" || key === "assumed" || (key === "limit" && subject.startsWith("guardrail:cost/"));
}

function settingOf(subject: string) {
  return SETTING_KEYS.find((key) => subject === `setting:${key}`);
}

function snakeCase(key: string): string {
  const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return snake.replace(/[^a-z0-9_]/g, "_");
}

function wordsOf(key: string): string {
  return snakeCase(key).replaceAll("_", " ").replaceAll(/ usd$/g, "");
}
