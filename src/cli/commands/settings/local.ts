import type { LocalSettingView } from "../../../render/views/settings.js";
import type { Context } from "../../context.js";

/** What is not in the database, by its name. */
export const LOCAL_SETTINGS = {
  database: "where the database is",
  actor: "who acts, for the audit",
  format: "how to print",
} as const;

/** What is not in the database, and where each was found. Nothing of it decides anything. */
export function localSettings({ config, format, options }: Context): LocalSettingView[] {
  const formatFrom = options.json === true ? "--json" : options.format === undefined ? "default" : "--format";
  return [
    {
      key: "database",
      value: config.database,
      describes: LOCAL_SETTINGS.database,
      from: config.databaseFrom === "config file" ? config.configFile : config.databaseFrom,
    },
    {
      key: "actor",
      value: config.actor,
      describes: LOCAL_SETTINGS.actor,
      from: config.actorFrom,
    },
    { key: "format", value: format, describes: LOCAL_SETTINGS.format, from: formatFrom },
  ];
}
