import type { LocalSettingView } from "../../../render/views/settings.js";
import type { Context } from "../../context.js";

/** What is not in the database, and where each was found. Nothing of it decides anything. */
export function localSettings({ config, format, options }: Context): LocalSettingView[] {
  const formatFrom = options.json === true ? "--json" : options.format === undefined ? "default" : "--format";
  return [
    {
      key: "database",
      value: config.database,
      describes: "where the database is",
      from: config.databaseFrom === "config file" ? config.configFile : config.databaseFrom,
    },
    {
      key: "actor",
      value: config.actor,
      describes: "who acts, for the audit",
      from: config.actorFrom,
    },
    { key: "format", value: format, describes: "how to print", from: formatFrom },
  ];
}
