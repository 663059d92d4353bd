import { setSuspended } from "../../../engine/users.js";
import { suspensionText, userJson } from "../../../render/views/users.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly reason?: string;
}

/** `suspend` and `resume`. */
export async function setSuspension(
  suspended: boolean,
  context: Context,
  { args, options: { reason } }: Invocation<Options>,
): Promise<void> {
  const user = await setSuspended(
    await context.engine(),
    suspended,
    { user: args[0] as string, ...(reason === undefined ? {} : { reason }) },
    { dryRun: context.dryRun },
  );
  context.changed({
    kind: "user",
    data: userJson(user),
    text: (style) => suspensionText(user, context.dryRun, style),
  });
}
