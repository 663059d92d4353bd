import { emergencyStatus } from "../../../engine/emergency.js";
import { stopJson, stopsTable } from "../../../render/views/emergency.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";

export default async function status(context: Context): Promise<void> {
  const engine = await context.engine();
  const stops = await emergencyStatus(engine);
  const zone = context.width === null ? null : (await engine.store.meter.settings()).time_zone;
  if (stops.length > 0) context.exitCode = EXIT.blocked;
  context.show({
    kind: "emergency-stops",
    data: stops.map(stopJson),
    meta: { count: stops.length },
    table: stopsTable(stops, zone),
  });
}
