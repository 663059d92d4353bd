import { type EmergencyScope, emergencyOn } from "../../../engine/emergency.js";
import { startedJson, startedText } from "../../../render/views/emergency.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseSpan } from "../../values.js";

interface Options extends EmergencyScope {
  readonly for?: string;
  readonly throttle?: boolean;
  readonly reason?: string;
}

export default async function on(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { dryRun } = context;
  const forMs = options.for === undefined ? undefined : parseSpan("--for", options.for);
  const engine = await context.engine();
  const started = await emergencyOn(
    engine,
    { ...options, ...(forMs === undefined ? {} : { forMs }) },
    { dryRun },
  );
  const settings = await engine.store.meter.settings();
  const view = { ...started, settings, now: engine.now(), dryRun };
  context.changed({
    kind: "emergency-stop",
    data: startedJson(started),
    text: (style, width) => startedText(view, { style, width }),
  });
  if (started.products === 0) {
    context.warn(
      "no product has ever opened this database; a stop holds only for products that ask this one",
    );
  }
  for (const part of started.unseen) {
    context.warn(
      `no call with the ${part} ${started.stop.scope[part]} was ever metered here; check that it is spelt as the product spells it`,
    );
  }
}
