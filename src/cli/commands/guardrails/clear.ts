import { clearGuardrails } from "../../../engine/guardrails.js";
import { AlphaError } from "../../../errors.js";
import {
  guardrailsClearedJson,
  guardrailsClearedText,
  guardrailsInWords,
  stillOnSentence,
} from "../../../render/views/guardrails.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { GUARDRAIL_OPTIONS, type GuardrailOptions } from "./guardrail-options.js";

interface Options extends GuardrailOptions<boolean> {
  readonly all?: boolean;
  readonly reason?: string;
}

export default async function clear(context: Context, { options }: Invocation<Options>): Promise<void> {
  const names = GUARDRAIL_OPTIONS.filter(({ key }) => options[key] === true);
  const { all = false, reason } = options;
  if (all === names.length > 0) {
    throw new AlphaError(
      "usage",
      all ? "both --all and another option say which are meant" : "nothing says which guardrails are meant",
      { hint: "give --all, or those such as --daily-cost; see them with: alpha guardrails show" },
    );
  }
  const { dryRun } = context;
  const engine = await context.engine();
  const input = { names, ...(reason === undefined ? {} : { reason }) };
  // Tried before it is asked about: nobody should confirm what cannot be done.
  const tried = await clearGuardrails(engine, input, { dryRun: true });
  if (tried.cleared.length > 0) await context.confirm(`End ${guardrailsInWords(tried.cleared)}?`);
  const done = dryRun ? tried : await clearGuardrails(engine, input);
  context.changed({
    kind: "guardrails-cleared",
    data: guardrailsClearedJson(done),
    text: (style) => guardrailsClearedText(done, dryRun, style),
  });
  const still = stillOnSentence(done);
  if (still !== null) context.warn(still);
}
