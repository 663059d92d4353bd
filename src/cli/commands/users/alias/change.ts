import type { addAliases, removeAliases } from "../../../../engine/names.js";
import { aliasesText, renamedJson } from "../../../../render/views/user-changes.js";
import type { Context } from "../../../context.js";
import type { Invocation } from "../../../run.js";

interface Options {
  readonly reason?: string;
}

/** `alias add` and `alias remove`, which differ by their use case alone. */
export async function changeAliases(
  change: typeof addAliases | typeof removeAliases,
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const input = { user: args[0] as string, aliases: args[1] as readonly string[], ...options };
  const done = await change(await context.engine(), input, { dryRun });
  context.changed({
    kind: "user",
    data: renamedJson(done),
    text: (style, width) => aliasesText(done, { dryRun, style, width }),
  });
}
