import { showGuardrails } from "../../../engine/guardrails.js";
import { guardrailJson, guardrailsTable } from "../../../render/views/guardrails.js";
import type { Context } from "../../context.js";

export default async function show(context: Context): Promise<void> {
  const { guardrails, timeZone } = await showGuardrails(await context.engine());
  context.show({
    kind: "guardrails",
    data: guardrails.map(guardrailJson),
    meta: { count: guardrails.length, time_zone: timeZone },
    table: guardrailsTable(guardrails, context.width === null ? null : timeZone),
  });
}
