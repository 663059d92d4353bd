import { changePersona } from "../../../engine/personas.js";
import { personaChangedJson, personaChangedText } from "../../../render/views/user-changes.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly reason?: string;
}

export default async function persona(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { dryRun } = context;
  const done = await changePersona(
    await context.engine(),
    { user: args[0] as string, persona: args[1] as string, ...options },
    { dryRun },
  );
  context.changed({
    kind: "user",
    data: personaChangedJson(done),
    text: (style, width) => personaChangedText(done, { dryRun, style, width }),
  });
}
