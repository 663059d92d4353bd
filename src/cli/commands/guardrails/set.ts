import type { GuardrailAction } from "../../../domain/guardrail.js";
import { setGuardrails } from "../../../engine/guardrails.js";
import { AlphaError } from "../../../errors.js";
import { guardrailsSetJson, guardrailsSetText, spentSentences } from "../../../render/views/guardrails.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount, parseLimit, parseMoney } from "../../values.js";
import { GUARDRAIL_OPTIONS, type GuardrailOptions } from "./guardrail-options.js";

interface Options extends GuardrailOptions<string> {
  readonly action?: GuardrailAction;
  readonly reason?: string;
}

export default async function set(context: Context, { options }: Invocation<Options>): Promise<void> {
  const limits = GUARDRAIL_OPTIONS.flatMap(({ flag, key, meter, period }) => {
    const text = options[key];
    if (text === undefined) return [];
    const limit = parseLimit(flag, text, meter === "cost" ? parseMoney : parseCount);
    if (limit !== null) return [{ meter, period, limit }];
    throw new AlphaError("usage", `${flag} cannot be unlimited`, {
      hint: `to end it: alpha guardrails clear ${flag}`,
    });
  });
  if (limits.length === 0) {
    throw new AlphaError("usage", "nothing says which guardrail is to be set", {
      hint: "for example: alpha guardrails set --daily-cost 25",
    });
  }
  const { action, reason } = options;
  const done = await setGuardrails(
    await context.engine(),
    {
      limits,
      ...(action === undefined ? {} : { action }),
      ...(reason === undefined ? {} : { reason }),
    },
    { dryRun: context.dryRun },
  );
  context.changed({
    kind: "guardrails-set",
    data: guardrailsSetJson(done),
    text: (style, width) => guardrailsSetText(done, { dryRun: context.dryRun, style, width }),
  });
  for (const sentence of spentSentences(done.changes.map(({ after }) => after))) context.warn(sentence);
}
