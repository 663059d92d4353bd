import { aiSdk } from "./ai-sdk.js";
import { alpha } from "./alpha.js";
import { alwrity } from "./alwrity.js";
import { anthropicResponse } from "./anthropic-response.js";
import { claudeCode } from "./claude-code.js";
import { helicone } from "./helicone.js";
import type { Importer } from "./importer.js";
import { langfuse } from "./langfuse.js";
import { litellm } from "./litellm.js";
import { openaiResponse } from "./openai-response.js";
import { openrouter } from "./openrouter.js";
import { otel } from "./otel.js";

/** Every log format, in the order in which detection tries them. */
export const IMPORTERS: readonly Importer[] = [
  alwrity,
  litellm,
  otel,
  langfuse,
  claudeCode,
  helicone,
  openrouter,
  openaiResponse,
  anthropicResponse,
  aiSdk,
  alpha,
];
