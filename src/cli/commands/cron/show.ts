import { realpathSync } from "node:fs";
import { userInfo } from "node:os";
import { crontabLine, systemdService, systemdTimer } from "../../../domain/crontab.js";
import { cronJson, cronTable, cronText } from "../../../render/views/cron.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly only?: "crontab" | "systemd";
}

export default async function show(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { database } = context.config;
  const { store } = await context.engine();
  // Cron has another PATH and HOME, so nothing is left to be looked up.
  const bin = realpathSync(process.argv[1] ?? "");
  const command = [process.execPath, bin, "reset", "daily", "--database", database];
  const view = {
    crontab: crontabLine(command),
    service: systemdService(command, account()),
    timer: systemdTimer(),
    command,
    database,
    timeZone: (await store.meter.settings()).time_zone,
  };
  context.show({
    kind: "cron",
    data: cronJson(view),
    table: cronTable(view, options.only),
    text: (style) => cronText(view, options.only, style),
  });
  if (bin.includes("/_npx/")) {
    context.warn("this alpha is a copy in npx's cache, which may be cleared; install it for cron to find it");
  }
}

/** An account without a name is known by its number. */
function account(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 0);
  }
}
