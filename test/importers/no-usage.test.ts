import { describe, expect, it } from "vitest";
import { helicone } from "../../src/importers/helicone.js";
import type { Fields, Importer } from "../../src/importers/importer.js";
import { litellm } from "../../src/importers/litellm.js";
import { openrouter } from "../../src/importers/openrouter.js";

const NOW = Date.UTC(2026, 10, 22, 12);

const HELICONE = {
  response_id: "h1",
  response_created_at: "2026-11-21T06:53:16Z",
  request_created_at: "2026-11-21T06:53:15Z",
  response_status: 200,
  request_user_id: "ada",
  model: "gpt-4o",
  provider: "OPENAI",
  prompt_tokens: null,
  completion_tokens: null,
  total_tokens: null,
  cost: null,
};
const LITELLM = {
  request_id: "chatcmpl-1",
  endTime: "2026-11-21T06:53:17Z",
  model: "gpt-4o",
  user: "ada",
  status: "success",
  prompt_tokens: null,
  completion_tokens: null,
  total_tokens: null,
  spend: null,
};
const OPENROUTER_CALL = {
  generation_id: "gen-1",
  created_at: "2026-11-21 06:53:16",
  model_permaslug: "openai/gpt-4o",
  user: "ada",
  tokens_prompt: "",
  tokens_completion: "",
  tokens_reasoning: "",
  tokens_cached: "",
  cost_total: "",
};
const OPENROUTER_DAY = {
  date: "2026-11-20",
  model_permaslug: "openai/gpt-4o",
  requests: "5",
  prompt_tokens: "",
  completion_tokens: "",
  reasoning_tokens: "",
  usage: "",
};

const emptied = (record: Fields) =>
  Object.fromEntries(Object.entries(record).map(([field, value]) => [field, value === null ? "" : value]));

describe.each([
  ["helicone", helicone, HELICONE, "prompt_tokens", "cost"],
  ["helicone as CSV", helicone, emptied(HELICONE), "prompt_tokens", "cost"],
  ["litellm", litellm, LITELLM, "prompt_tokens", "spend"],
  ["openrouter, calls", openrouter, OPENROUTER_CALL, "tokens_prompt", "cost_total"],
  ["openrouter, days", openrouter, OPENROUTER_DAY, "prompt_tokens", "usage"],
])("a record of %s", (_, importer, record: Fields, field, cost) => {
  const read = (more: Fields) => importer.read({ ...record, ...more }, { now: NOW });
  const missing = {
    kind: "rejection",
    field,
    reason: "is missing, and so are the other tokens and the cost",
  };

  it("is rejected when it states no usage, and no cost but 0", () => {
    expect(read({})).toEqual(missing);
    expect(read({ [cost]: 0 })).toEqual(missing);
  });

  it("counts when it states tokens, be they 0, or a cost", () => {
    expect(read({ [field]: 0 })).toMatchObject({ kind: "draft", input: 0 });
    expect(read({ [cost]: "0.25" })).toMatchObject({ kind: "draft", cost: 250_000_000 });
  });
});

it.each<[string, Importer, Fields, object]>([
  ["helicone", helicone, { ...HELICONE, response_status: 429 }, { status: "429" }],
  ["litellm", litellm, { ...LITELLM, status: "failure" }, { status: "failure" }],
  ["litellm", litellm, { ...LITELLM, call_type: "aimage_generation" }, { images: 1 }],
  ["litellm", litellm, { ...LITELLM, spend: 0, cache_hit: "True" }, { cost: 0 }],
  ["openrouter", openrouter, { ...OPENROUTER_CALL, cancelled: "true" }, { status: "cancelled" }],
  ["openrouter", openrouter, { ...OPENROUTER_CALL, finish_reason_normalized: "error" }, { status: "error" }],
])(
  "a record without tokens of %s counts where the call failed, made images, or was free",
  (_, importer, record, draft) => {
    expect(importer.read(record, { now: NOW })).toMatchObject({ kind: "draft", ...draft });
  },
);
