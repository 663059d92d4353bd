import { eraseUser } from "../../../engine/erasure.js";
import { erasedJson, erasedText } from "../../../render/views/user-changes.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly reason?: string;
}

export default async function erase(
  context: Context,
  { args, options: { reason } }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const input = { user: args[0] as string, ...(reason === undefined ? {} : { reason }) };
  const engine = await context.engine();
  const tried = await eraseUser(engine, input, { dryRun: true });
  const who = tried.user.email ?? tried.user.key;
  await context.confirm(`Forget for good who ${who} was? It cannot be undone.`);
  const done = dryRun ? tried : await eraseUser(engine, input);
  context.changed({
    kind: "user-erasure",
    data: erasedJson(done),
    text: (style, width) => erasedText(done, { dryRun, style, width }),
  });
}
