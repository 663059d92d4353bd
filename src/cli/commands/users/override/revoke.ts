import { revokeOverrides } from "../../../../engine/override-revoke.js";
import { revokedJson, revokedText } from "../../../../render/views/overrides.js";
import type { Context } from "../../../context.js";
import type { Invocation } from "../../../run.js";

interface Options {
  readonly all?: boolean;
  readonly reason?: string;
}

export default async function revoke(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const done = await revokeOverrides(
    await context.engine(),
    { user: args[0] as string, what: args[1] as readonly string[], ...options },
    { dryRun },
  );
  context.changed({
    kind: "override-revoke",
    data: revokedJson(done),
    text: (style, width) => revokedText(done, { dryRun, style, width }),
  });
}
