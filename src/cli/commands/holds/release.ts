import { type HoldsWanted, releaseHolds } from "../../../engine/holds.js";
import { liveOf, releasedJson, releasedText } from "../../../render/views/holds.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options extends HoldsWanted {
  readonly reason?: string;
}

export default async function release(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const { user, expired, reason } = options;
  const input = {
    ids: args[0] as string[],
    ...(user === undefined ? {} : { user }),
    ...(expired === undefined ? {} : { expired }),
    ...(reason === undefined ? {} : { reason }),
  };
  const engine = await context.engine();
  // Tried before it is asked about: only then is it known how many calls may be in progress.
  const tried = await releaseHolds(engine, input, { dryRun: true });
  const live = liveOf(tried.holds).length;
  if (live > 1) await context.confirm(`Release ${live} holds of calls that may be in progress?`);
  const released = dryRun ? tried : await releaseHolds(engine, input);
  context.changed({
    kind: "holds-release",
    data: releasedJson(released),
    text: (style, width) => releasedText(released, dryRun, { style, width }),
  });
}
