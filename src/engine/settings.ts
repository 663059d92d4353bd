import {
  INITIAL_SETTINGS,
  SETTING_KEYS,
  SETTING_RULES,
  type SettingKey,
  type Settings,
} from "../domain/settings.js";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { nearest, requireTierKey } from "./find.js";
import type { Reading, RecordedEntry } from "./ports.js";
import { UNDO, undoneEntry } from "./undo-chain.js";

export type SettingValue = Settings[SettingKey];

/** A setting and where its value came from. */
export interface ListedSetting {
  readonly key: SettingKey;
  readonly value: SettingValue;
  /** What it is in a new database. */
  readonly initial: SettingValue;
  /** Who set it, when and why; `null`: nobody did. */
  readonly set: SettingOrigin | null;
}

export interface SettingOrigin {
  readonly by: string;
  readonly at: Instant;
  readonly reason: string | null;
  /** The number of its audit entry. */
  readonly entry: number;
  /** `init`, `settings.set`, `undo`, … */
  readonly action: string;
}

/** All settings, in the order in which they are documented. */
export function listSettings(engine: Engine): Promise<ListedSetting[]> {
  return engine.store.read(async (tx) => {
    const settings = await tx.settings.current();
    const origins = await originsOf(tx);
    return SETTING_KEYS.map((key) => ({
      key,
      value: settings[key],
      initial: INITIAL_SETTINGS[key],
      set: origins.get(key) ?? originAtInit(origins, key, settings),
    }));
  });
}

/** One setting. */
export async function showSetting(engine: Engine, name: string): Promise<ListedSetting> {
  const key = requireSettingKey(name);
  return (await listSettings(engine)).find((each) => each.key === key) as ListedSetting;
}

/** The key of a setting, however it is spelt. */
export function requireSettingKey(name: string): SettingKey {
  const wanted = name.trim().toLowerCase().replaceAll("-", "_");
  const key = SETTING_KEYS.find((each) => each === wanted);
  if (key !== undefined) return key;
  const suggestion = nearest(wanted, SETTING_KEYS);
  throw new AlphaError(
    "not-found",
    `no setting "${name}"${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
    { hint: "see them all with: alpha settings list" },
  );
}

const INIT = "init";

/** By setting, and by `init`, the entry that last changed it. */
async function originsOf(tx: Reading): Promise<ReadonlyMap<string, SettingOrigin>> {
  const direct = await tx.records.audit({ subject: "setting" });
  const undone = await tx.records.audit({ action: UNDO });
  const inits = await tx.records.audit({ action: INIT });
  const all = [...direct, ...undone, ...inits].sort((a, b) => a.id - b.id);
  const roots = new Map<number, RecordedEntry>();
  const origins = new Map<string, SettingOrigin>();
  for (const entry of all) {
    const undoes = undoneEntry(entry);
    const root = undoes === null ? entry : roots.get(undoes);
    if (root === undefined) continue;
    roots.set(entry.id, root);
    const key = root.action === INIT ? INIT : root.subject.replace(/^setting:/, "");
    const { actor: by, at, reason, id, action } = entry;
    origins.set(key, { by, at, reason, entry: id, action });
  }
  return origins;
}

/** `init` sets everything; what is as in every new database is nobody's choice. */
function originAtInit(
  origins: ReadonlyMap<string, SettingOrigin>,
  key: SettingKey,
  settings: Settings,
): SettingOrigin | null {
  return settings[key] === INITIAL_SETTINGS[key] ? null : (origins.get(INIT) ?? null);
}

export interface SetSetting {
  readonly key: string;
  /** As an operator types it. */
  readonly value: string;
  readonly reason?: string;
}

export interface SettingSet {
  readonly key: SettingKey;
  readonly before: SettingValue;
  readonly after: SettingValue;
}

/** Changes one setting: in force with the next decision, in every process. */
export function setSetting(
  engine: Engine,
  input: SetSetting,
  options: ChangeOptions = {},
): Promise<SettingSet> {
  const key = requireSettingKey(input.key);
  const after: SettingValue = SETTING_RULES[key].parse(input.value);
  return engine.store.write(async (tx) => {
    const before = (await tx.settings.current())[key];
    if (before === after) {
      throw new AlphaError("conflict", `${key} already is ${printed(key, after)}`, {
        hint: `see where it came from with: alpha settings get ${key}`,
      });
    }
    await requireSettable(tx, key, after);
    const at = engine.now();
    await tx.settings.set(key, after as never, at);
    await audit(engine, tx, at, {
      action: "settings.set",
      subject: `setting:${key}`,
      before: { value: before },
      after: { value: after },
      reason: input.reason?.trim() || null,
    });
    return { key, before, after };
  }, options);
}

/** A setting's value as people read it. */
function printed(key: SettingKey, value: SettingValue): string {
  return SETTING_RULES[key].print(value as never);
}

/**
 * Refuses a value that contradicts what else is there.
 * @throws AlphaError `conflict`, `not-found` for a tier that does not exist
 */
export async function requireSettable(tx: Reading, key: SettingKey, value: SettingValue): Promise<void> {
  const current = await tx.settings.current();
  const next: Settings = { ...current, [key]: value };
  if (key === "default_tier") await requireTierKey(tx, next.default_tier);
  if (next.warn_at > next.block_at) {
    const [warn, block] = [printed("warn_at", next.warn_at), printed("block_at", next.block_at)];
    throw new AlphaError("conflict", `with warn_at ${warn} above block_at ${block} nobody would be warned`, {
      hint:
        key === "warn_at"
          ? `give ${block} or less, or set block_at first`
          : `give ${warn} or more, or set warn_at first`,
    });
  }
  if (key === "time_zone" && next.time_zone !== current.time_zone)
    await requireNothingCounted(tx, next.time_zone);
}

/** Every total belongs to a day or month of the accounting zone. */
async function requireNothingCounted(tx: Reading, zone: string): Promise<void> {
  const [event] = await tx.usage.events({ limit: 1 });
  const [hold] = await tx.holds.list();
  if (event === undefined && hold === undefined) return;
  throw new AlphaError("conflict", "there is usage, and its totals are by days of the accounting zone", {
    hint: `count everything anew with: alpha db rebuild --time-zone ${zone}`,
  });
}
