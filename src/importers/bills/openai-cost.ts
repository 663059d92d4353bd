import { NO_TOKENS } from "../../domain/bill.js";
import { reject } from "../importer.js";
import { isAbsent, isRejection, readText } from "../values.js";
import type { BillFormat } from "./bill-format.js";
import { hasStart, readBucketDay } from "./openai-days.js";
import { readAmount } from "./values.js";

/** Costs by day and, where it was grouped by it, line item: `gpt-4o-2024-08-06, input` is one of the model before the comma. */
export const openaiCost: BillFormat = {
  name: "openai-cost",
  description: "an OpenAI cost export",
  provider: "openai",
  measure: "cost",
  detect: (sample) => hasStart(sample) && "amount_value" in sample,
  read(fields, context) {
    const day = readBucketDay(fields, context);
    if (isRejection(day)) return day;
    // Days without costs name their organisation in some exports and nothing at all in others.
    if (isAbsent(fields.amount_value)) return { kind: "empty-day", day };
    const currency = readText(fields, "amount_currency");
    if (isRejection(currency)) return currency;
    if (currency !== null && currency.toLowerCase() !== "usd") {
      return reject("amount_currency", `is ${JSON.stringify(currency)}; the ledger counts US dollars`);
    }
    const cost = readAmount(fields, "amount_value");
    if (isRejection(cost)) return cost;
    const item = readText(fields, "line_item");
    if (isRejection(item)) return item;
    const model = item === null ? null : (item.split(", ")[0] ?? item);
    // Amounts have many digits; what is lost of them here is less than a nano.
    return { kind: "line", day, model, tokens: NO_TOKENS, cost, rounding: 1n };
  },
};
