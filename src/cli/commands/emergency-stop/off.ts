import { type EmergencyScope, emergencyOff } from "../../../engine/emergency.js";
import { liftedText, stopJson } from "../../../render/views/emergency.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options extends EmergencyScope {
  readonly reason?: string;
}

export default async function off(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { dryRun } = context;
  const engine = await context.engine();
  const { lifted, still } = await emergencyOff(engine, options, { dryRun });
  const { time_zone: zone } = await engine.store.meter.settings();
  context.changed({
    kind: "emergency-stop-off",
    data: { lifted: lifted.map(stopJson), still_on: still.map(stopJson) },
    text: (style, width) => liftedText({ lifted, still, zone, dryRun }, { style, width }),
  });
}
