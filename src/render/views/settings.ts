import { moneyJson } from "../../domain/money.js";
import { SETTING_RULES, type SettingKey, type Settings } from "../../domain/settings.js";
import { formatInstant, type Instant, localTime } from "../../domain/window.js";
import { renderFields } from "../fields.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { wrap } from "../text.js";

type Value = Settings[SettingKey];

interface OriginView {
  readonly by: string;
  readonly at: Instant;
  readonly reason: string | null;
  readonly entry: number;
  readonly action: string;
}

export interface SettingView {
  readonly key: SettingKey;
  readonly value: Value;
  readonly initial: Value;
  readonly set: OriginView | null;
}

/** Something that is not in the database: where that is, who acts, how to print. */
export interface LocalSettingView {
  readonly key: string;
  readonly value: string;
  readonly describes: string;
  readonly from: string;
}

const MONEY: ReadonlySet<SettingKey> = new Set(["planning_tokens", "planning_image", "emergency_cost"]);

export function settingText(key: SettingKey, value: Value): string {
  return SETTING_RULES[key].print(value as never);
}

/** Money as everywhere, lengths of time in milliseconds, thresholds in basis points; `null`: unlimited. */
export function settingValueJson(key: SettingKey, value: Value) {
  return MONEY.has(key) && typeof value === "number" ? moneyJson(value) : value;
}

export function settingJson({ key, value, initial, set }: SettingView) {
  return {
    key,
    value: settingValueJson(key, value),
    text: settingText(key, value),
    default: settingValueJson(key, initial),
    from: set === null ? "default" : "database",
    set_by: set?.by ?? null,
    set_at: set === null ? null : formatInstant(set.at),
    reason: set?.reason ?? null,
    entry: set?.entry ?? null,
    describes: SETTING_RULES[key].describes,
  };
}

export function localSettingJson({ key, value, describes, from }: LocalSettingView) {
  return { key, value, from, describes };
}

/** In which zone instants are told; `null` off a terminal: RFC 3339 in UTC. */
type Zone = string | null;

/** `default`, or who set it when. */
function originText({ set }: SettingView, local: Zone): string {
  if (set === null) return "default";
  return `${set.by}, ${local === null ? formatInstant(set.at) : localTime(set.at, local)}`;
}

/** Where a value came from, in a sentence: also why, and what it would be otherwise. */
export function originSentence(setting: SettingView, local: Zone): string {
  const { set, key, initial } = setting;
  if (set === null) return "the default";
  const why = set.reason === null ? "" : `: ${set.reason}`;
  return `set by ${originText(setting, local)}${why}; the default is ${settingText(key, initial)}`;
}

/** A row of either table. */
interface Row {
  readonly key: string;
  readonly text: string;
  readonly from: string;
  /** Empty where it is the value itself. */
  readonly initial: string;
  readonly describes: string;
}

export function settingsTable(settings: readonly SettingView[], local: Zone): Table<Row> {
  return tableOf(
    settings.map((setting) => ({
      key: setting.key,
      text: settingText(setting.key, setting.value),
      from: originText(setting, local),
      initial: setting.value === setting.initial ? "" : settingText(setting.key, setting.initial),
      describes: SETTING_RULES[setting.key].describes,
    })),
    settings.some(({ value, initial }) => value !== initial),
  );
}

/** One setting that is not in the database, in the columns of those that are. */
export function localSettingTable({ key, value, from, describes }: LocalSettingView): Table<Row> {
  return tableOf([{ key, text: value, from, initial: "", describes }], false);
}

const DEFAULT: Column<Row> = {
  key: "default",
  header: "DEFAULT",
  priority: 3,
  text: ({ initial }) => initial,
};

function tableOf(rows: readonly Row[], withDefaults: boolean): Table<Row> {
  return {
    rows,
    empty: "No settings.",
    columns: [
      { key: "setting", header: "SETTING", text: ({ key }) => key },
      { key: "value", header: "VALUE", truncate: true, minWidth: 14, text: ({ text }) => text },
      {
        key: "from",
        header: "FROM",
        truncate: true,
        minWidth: 24,
        text: ({ from }) => from,
        paint: (text, { from }, style) => (from === "default" ? style.muted(text) : text),
      },
      ...(withDefaults ? [DEFAULT] : []),
      {
        key: "describes",
        header: "WHAT IT IS",
        priority: 2,
        truncate: true,
        minWidth: 30,
        text: ({ describes }) => describes,
      },
    ],
  };
}

function localTable(locals: readonly LocalSettingView[]): Table<LocalSettingView> {
  return {
    rows: locals,
    empty: "No settings.",
    columns: [
      { key: "setting", header: "SETTING", text: ({ key }) => key },
      { key: "describes", header: "WHAT IT IS", priority: 2, text: ({ describes }) => describes },
      { key: "from", header: "FROM", text: ({ from }) => from },
      { key: "value", header: "VALUE", truncate: true, minWidth: 20, text: ({ value }) => value },
    ],
  };
}

/** The settings of the database, and what only this call goes by. */
export function settingsText(
  settings: readonly SettingView[],
  locals: readonly LocalSettingView[],
  local: Zone,
  options: { readonly style: Style; readonly width: number | null },
): string {
  const { style, width } = options;
  const note = "Not in the database, and nothing that decides; a flag, the environment or the config file:";
  return [
    renderTable(settingsTable(settings, local), options),
    ...(width === null ? [note] : wrap(note, width)).map(style.muted),
    renderTable(localTable(locals), options),
  ].join("\n");
}

export interface SettingSetView {
  readonly key: SettingKey;
  readonly before: Value;
  readonly after: Value;
}

export function settingSetJson({ key, before, after }: SettingSetView) {
  const side = (value: Value) => ({ value: settingValueJson(key, value), text: settingText(key, value) });
  return { key, before: side(before), after: side(after) };
}

export function settingSetText(
  { key, before, after }: SettingSetView,
  {
    dryRun,
    style,
    width,
  }: { readonly dryRun: boolean; readonly style: Style; readonly width: number | null },
): string {
  const head = `${style.ok(dryRun ? "Would set" : "Set")} ${style.emphasis(key)}: ${SETTING_RULES[key].describes}.`;
  const fields = renderFields(
    [
      ["from", settingText(key, before)],
      ["to", settingText(key, after)],
    ],
    { style, width },
  );
  return `${head}\n${fields}`;
}
