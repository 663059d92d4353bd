import { describe, expect, it } from "vitest";
import { parseMapping } from "../../src/importers/mapping.js";
import { errorOf, readAll } from "./reading.js";

const BILLS = {
  "an Anthropic usage export": [
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count",
    "2026-11-01,claude-sonnet-4-5,key,Default,standard,≤ 200k,10,0,0,0,5,0",
  ],
  "an Anthropic cost export": [
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd",
    "2026-11-01,Claude Sonnet 4.5,Default,key,token,≤ 200k,output_tokens,0.5",
  ],
  "an OpenAI usage export": [
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,service_tier,input_tokens,output_tokens,input_cached_tokens",
    "1793491200,1793577600,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,proj,3.0,,,gpt-4o,false,,10.0,5.0,0.0",
  ],
  "an OpenAI cost export": [
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id",
    "1793491200,1793577600,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,0.5,usd,gpt-4o input,proj",
  ],
};

describe("a provider's bill", () => {
  it.each(Object.entries(BILLS))("is refused as a file: %s", async (what, lines) => {
    const error = await errorOf(readAll(lines.join("\n")));
    expect([error.code, error.message, error.hint]).toEqual([
      "failed",
      `stdin is a provider's bill, ${what}: it names neither testers nor calls.`,
      "To hold it against the ledger: alpha reconcile FILE",
    ]);
  });

  it("is refused also with constants, and read where the operator says what its columns mean", async () => {
    const bill = BILLS["an OpenAI usage export"].join("\n");
    const set = await errorOf(readAll(bill, { mapping: parseMapping([], ["timestamp=2026-11-01"]) }));
    expect(set.message).toContain("is a provider's bill");
    const mapping = parseMapping(["timestamp=start_time"], []);
    const { entries } = await readAll(bill, { mapping });
    expect(entries.map(({ draft }) => [draft.input, draft.output])).toEqual([[10, 5]]);
  });
});
