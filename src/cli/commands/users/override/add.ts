import { addOverrides } from "../../../../engine/overrides.js";
import { AlphaError } from "../../../../errors.js";
import { overriddenJson, overriddenText } from "../../../../render/views/overrides.js";
import type { Context } from "../../../context.js";
import type { Invocation } from "../../../run.js";
import { quotasGiven } from "../../tiers/quota-options.js";

interface Options {
  readonly grant?: readonly string[];
  readonly deny?: readonly string[];
  readonly until?: string;
  readonly reason?: string;
}

export default async function add(context: Context, { args, options }: Invocation<Options>): Promise<void> {
  const { dryRun } = context;
  const { grant = [], deny = [], until, reason } = options;
  const quotas = quotasGiven(options);
  const done = await addOverrides(
    await context.engine(),
    {
      user: args[0] as string,
      quotas,
      grant,
      deny,
      ...(until === undefined ? {} : { until }),
      reason: requireReason(reason),
    },
    { dryRun },
  );
  context.changed({
    kind: "override",
    data: overriddenJson(done),
    text: (style, width) => overriddenText(done, { dryRun, style, width }),
  });
  for (const feature of done.unseen) {
    context.warn(
      `no tier names the feature ${feature}, and no call with it was ever metered here; check that it is spelt as the product spells it`,
    );
  }
  for (const feature of done.needless) {
    const says = grant.includes(feature) ? "allows" : "does not allow";
    context.warn(`${done.tier.key} ${says} ${feature} anyway; the override matters only if that changes`);
  }
}

function requireReason(reason: string | undefined): string {
  if (reason !== undefined) return reason;
  throw new AlphaError("usage", "an override needs a reason", {
    hint: "say why with --reason; it is told wherever the override is",
  });
}
