import { verifyTotals } from "../../../engine/verify.js";
import { differencesTable, verificationJson, verificationText } from "../../../render/views/verify.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";

export default async function verify(context: Context): Promise<void> {
  const engine = await context.engine();
  const progress = await context.progress("adding up");
  const { signal } = context.io;
  const verification = await verifyTotals(engine, { signal, progress }).finally(() => progress.end());
  if (verification.differenceCount > 0) context.exitCode = EXIT.failed;
  context.show({
    kind: "db-verify",
    data: verificationJson(verification),
    meta: { database: context.config.database },
    table: differencesTable(verification.differences),
    text: (style, width) => verificationText(verification, { style, width }),
  });
}
