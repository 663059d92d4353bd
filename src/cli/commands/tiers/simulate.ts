import { simulateTier } from "../../../engine/simulate.js";
import {
  simulatedRefusalsTable,
  simulatedUsersTable,
  simulationText,
} from "../../../render/views/simulate.js";
import { simulationJson } from "../../../render/views/simulate-json.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { type TierOptions, tierChange } from "./change.js";

interface Options extends TierOptions {
  readonly month?: string;
  readonly since?: string;
  readonly until?: string;
  readonly by?: "user" | "day";
}

export default async function simulate(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { month, since, until, by = "user" } = options;
  const { quotas = [], callTokens } = tierChange(options);
  const request = {
    tier: args[0] as string,
    change: { quotas, callTokens },
    ...(month === undefined ? {} : { month }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  const engine = await context.engine();
  const progress = await context.progress("replaying");
  const { signal } = context.io;
  const found = await simulateTier(engine, request, { signal, progress }).finally(() => progress.end());
  const data = context.format === "json" ? simulationJson(found) : null;
  const view = { kind: "tier-simulation", data, meta: { count: found.testers } };
  const every = context.format !== "table";
  if (by === "user") {
    const table = simulatedUsersTable(found, { width: context.width, every });
    context.show({ ...view, table, text: (style, width) => simulationText(found, table, style, width) });
  } else {
    const table = simulatedRefusalsTable(found, { every });
    context.show({ ...view, table, text: (style, width) => simulationText(found, table, style, width) });
  }
}
