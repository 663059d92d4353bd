import { showSetting } from "../../../engine/settings.js";
import {
  localSettingJson,
  localSettingTable,
  originSentence,
  settingJson,
  settingsTable,
  settingText,
} from "../../../render/views/settings.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { localSettings } from "./local.js";

/** The bare value on stdout, so that a script can take it; where it came from is talk. */
export default async function get(context: Context, { args }: Invocation<unknown>): Promise<void> {
  const name = args[0] as string;
  const here = localSettings(context).find(({ key }) => key === name);
  if (here !== undefined) {
    context.show({
      kind: "setting",
      data: localSettingJson(here),
      table: localSettingTable(here),
      text: () => `${here.value}\n`,
    });
    note(context, here.from === "default" ? "the default" : `from ${here.from}`);
    return;
  }
  const engine = await context.engine();
  const setting = await showSetting(engine, name);
  const local = context.width === null ? null : (await engine.store.meter.settings()).time_zone;
  context.show({
    kind: "setting",
    data: settingJson(setting),
    table: settingsTable([setting], local),
    text: () => `${settingText(setting.key, setting.value)}\n`,
  });
  note(context, originSentence(setting, local));
}

function note(context: Context, from: string): void {
  if (context.format === "table") context.note(context.errorStyle.muted(from));
}
