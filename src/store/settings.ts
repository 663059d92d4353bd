import { readSettings, type Settings, storedSetting } from "../domain/settings.js";
import type { AsOf, SettingsWriting } from "../engine/ports.js";
import { inForce } from "./in-force.js";
import type { Db } from "./schema.js";

export async function loadSettings(db: Db, asOf: AsOf = null): Promise<Settings> {
  const rows = await db
    .selectFrom("setting")
    .select(["key", "value"])
    .where(inForce("setting", asOf))
    .execute();
  return readSettings(new Map(rows.map((row) => [row.key, row.value])));
}

export function settingsOn(db: Db): SettingsWriting {
  return {
    current: () => loadSettings(db),
    async set(key, value, at) {
      await db
        .updateTable("setting")
        .set({ valid_to: at })
        .where("key", "=", key)
        .where("valid_to", "is", null)
        .execute();
      await db
        .insertInto("setting")
        .values({ key, value: storedSetting(value), valid_from: at, valid_to: null })
        .execute();
    },
  };
}
