import { setTier } from "../../../engine/tiers.js";
import { AlphaError } from "../../../errors.js";
import { tierSetJson, tierSetText, usedUpSentence } from "../../../render/views/tiers.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { type TierOptions, tierChange } from "./change.js";

export default async function set(
  context: Context,
  { args, options }: Invocation<TierOptions>,
): Promise<void> {
  const key = args[0] as string;
  const change = tierChange(options);
  if (Object.keys(change).every((what) => what === "reason")) {
    throw new AlphaError("usage", `say what is to be different about ${key}`, {
      hint: `for example: alpha tiers set ${key} --daily-tokens 2000`,
    });
  }
  const done = await setTier(await context.engine(), key, change, { dryRun: context.dryRun });
  context.changed({
    kind: "tier-change",
    data: tierSetJson(done),
    text: (style, width) => tierSetText(done, context.dryRun, style, width),
  });
  for (const usedUp of done.usedUp) context.warn(usedUpSentence(usedUp));
}
