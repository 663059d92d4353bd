import { listSettings } from "../../../engine/settings.js";
import {
  localSettingJson,
  settingJson,
  settingsTable,
  settingsText,
} from "../../../render/views/settings.js";
import type { Context } from "../../context.js";
import { localSettings } from "./local.js";

export default async function list(context: Context): Promise<void> {
  const settings = await listSettings(await context.engine());
  const locals = localSettings(context);
  const zone = settings.find(({ key }) => key === "time_zone")?.value;
  const local = context.width === null || typeof zone !== "string" ? null : zone;
  context.show({
    kind: "settings",
    data: { settings: settings.map(settingJson), local: locals.map(localSettingJson) },
    meta: { count: settings.length },
    table: settingsTable(settings, local),
    text: (style, width) => settingsText(settings, locals, local, { style, width }),
  });
}
