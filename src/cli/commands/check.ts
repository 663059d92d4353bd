import { requirePresentUser } from "../../engine/find.js";
import { LimitsEngine } from "../../engine/limits.js";
import { AlphaError } from "../../errors.js";
import { decisionJson, decisionText, quotasTable } from "../../render/views/decision.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import type { Invocation } from "../run.js";
import { type CallOptions, callRequest } from "./call-options.js";

export default async function check(
  context: Context,
  { args: [name], options }: Invocation<CallOptions>,
): Promise<void> {
  const user = String(name);
  const request = callRequest(user, options);
  const engine = await context.engine();
  const decision = await new LimitsEngine(engine).check(request);
  if (decision.outcome === "block") context.exitCode = EXIT.blocked;
  if (decision.code === "user-unknown") await sayWho(context, user);
  const settings = decision.code === "store-unavailable" ? null : await engine.store.meter.settings();
  const zone = context.width === null ? null : (settings?.time_zone ?? null);
  context.show({
    kind: "decision",
    data: decisionJson(decision),
    meta: { user },
    table: quotasTable(decision.quotas, zone),
    text: (style, width) => decisionText(decision, zone, { style, width }),
  });
}

/** The decision tells a tester that they are unknown; the operator wants to know whether they mistyped. */
async function sayWho(context: Context, user: string): Promise<void> {
  const { store } = await context.engine();
  try {
    await store.read((tx) => requirePresentUser(tx, user));
  } catch (error) {
    if (!(error instanceof AlphaError)) throw error;
    context.note(error.message);
  }
}
