import { anthropicCost } from "./anthropic-cost.js";
import { anthropicUsage } from "./anthropic-usage.js";
import type { BillFormat } from "./bill-format.js";
import { openaiCost } from "./openai-cost.js";
import { openaiUsage } from "./openai-usage.js";

/** Every kind of bill, in the order in which detection tries them. */
export const BILL_FORMATS: readonly BillFormat[] = [anthropicUsage, anthropicCost, openaiUsage, openaiCost];
