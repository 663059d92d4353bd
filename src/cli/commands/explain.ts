import { explainUser } from "../../engine/explain.js";
import { explainedTable, explainedText } from "../../render/views/explain.js";
import { explainedJson } from "../../render/views/explain-json.js";
import type { Context } from "../context.js";
import type { Invocation } from "../run.js";
import { type CallOptions, callRequest } from "./call-options.js";

interface Options extends CallOptions {
  readonly at?: string;
}

export default async function explain(
  context: Context,
  { args: [name], options }: Invocation<Options>,
): Promise<void> {
  const explained = await explainUser(await context.engine(), callRequest(String(name), options), options.at);
  context.show({
    kind: "explanation",
    data: explainedJson(explained),
    table: explainedTable(explained, context.width),
    text: (style, width) => explainedText(explained, style, width),
  });
}
