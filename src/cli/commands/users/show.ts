import { forTester } from "../../../engine/for-tester.js";
import { showUser } from "../../../engine/standing.js";
import { forTesterJson, forTesterText } from "../../../render/views/for-tester.js";
import { quotasTable } from "../../../render/views/quotas.js";
import { shownUserJson, shownUserText } from "../../../render/views/user.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly forTester?: boolean;
}

export default async function show(context: Context, { args, options }: Invocation<Options>): Promise<void> {
  const engine = await context.engine();
  const name = args[0] as string;
  if (options.forTester === true) {
    const told = await forTester(engine, name);
    // The same text everywhere: it is to be sent, and not to be looked at here.
    context.show({ kind: "tester-text", data: forTesterJson(told), text: () => forTesterText(told) });
    return;
  }
  const shown = await showUser(engine, name);
  context.show({
    kind: "user",
    data: shownUserJson(shown),
    table: quotasTable(shown.quotas, shown.timeZone, null),
    text: (style, width) => shownUserText(shown, style, width),
  });
}
