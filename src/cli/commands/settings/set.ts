import { setSetting } from "../../../engine/settings.js";
import { AlphaError } from "../../../errors.js";
import { settingSetJson, settingSetText } from "../../../render/views/settings.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { localSettings } from "./local.js";

interface Options {
  readonly reason?: string;
}

export default async function set(
  context: Context,
  { args, options: { reason } }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const [key, value] = args as [string, string];
  if (localSettings(context).some((each) => each.key === key)) {
    throw new AlphaError("usage", `${key} is not in the database, and so not set there`, {
      hint: HINTS[key],
    });
  }
  const done = await setSetting(
    await context.engine(),
    { key, value, ...(reason === undefined ? {} : { reason }) },
    { dryRun },
  );
  context.changed({
    kind: "setting-change",
    data: settingSetJson(done),
    text: (style, width) => settingSetText(done, { dryRun, style, width }),
  });
}

const HINTS: Readonly<Record<string, string>> = {
  database: "set ALPHA_DATABASE, or: alpha init --database <file> --remember",
  actor: "set ALPHA_ACTOR",
  format: "give --format with each command",
};
