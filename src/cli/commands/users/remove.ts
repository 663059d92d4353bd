import { removeUser } from "../../../engine/removal.js";
import { removedJson, removedText } from "../../../render/views/user-changes.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly reason?: string;
}

export default async function remove(
  context: Context,
  { args, options: { reason } }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const input = { user: args[0] as string, ...(reason === undefined ? {} : { reason }) };
  const engine = await context.engine();
  // Tried before it is asked about, so that nobody is asked about somebody who is not there.
  const tried = await removeUser(engine, input, { dryRun: true });
  await context.confirm(`Remove ${tried.user.email ?? tried.user.key}, whose every call is then refused?`);
  const done = dryRun ? tried : await removeUser(engine, input);
  context.changed({
    kind: "user-removal",
    data: removedJson(done),
    text: (style, width) => removedText(done, { dryRun, style, width }),
  });
}
