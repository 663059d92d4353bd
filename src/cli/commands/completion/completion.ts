import { AlphaError } from "../../../errors.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { COMPLETION_SCRIPTS, SHELLS } from "./scripts.js";

export default async function completion(context: Context, { args }: Invocation<unknown>): Promise<void> {
  const wanted = (args[0] as string).trim().toLowerCase();
  const shell = SHELLS.find((each) => each === wanted);
  if (shell === undefined) {
    throw new AlphaError("usage", `there is no completion for "${args[0]}"`, {
      hint: `there is one for ${SHELLS.join(", ")}`,
    });
  }
  const script = COMPLETION_SCRIPTS[shell];
  context.show({ kind: "completion", data: { shell, script }, text: () => script });
}
