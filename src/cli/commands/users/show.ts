import { showUser } from "../../../engine/standing.js";
import { quotasTable } from "../../../render/views/quotas.js";
import { shownUserJson, shownUserText } from "../../../render/views/user.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

export default async function show(context: Context, { args }: Invocation<object>): Promise<void> {
  const shown = await showUser(await context.engine(), args[0] as string);
  context.show({
    kind: "user",
    data: shownUserJson(shown),
    table: quotasTable(shown.quotas, shown.timeZone, null),
    text: (style, width) => shownUserText(shown, style, width),
  });
}
