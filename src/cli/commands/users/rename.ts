import { renameUser } from "../../../engine/names.js";
import { renamedJson, renamedText } from "../../../render/views/user-changes.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly name?: string;
  readonly reason?: string;
}

export default async function rename(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const email = args[1] as string | undefined;
  const done = await renameUser(
    await context.engine(),
    { user: args[0] as string, ...(email === undefined ? {} : { email }), ...options },
    { dryRun },
  );
  context.changed({
    kind: "user",
    data: renamedJson(done),
    text: (style, width) => renamedText(done, { dryRun, style, width }),
  });
}
