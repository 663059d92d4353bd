import { NO_TOKENS } from "../../domain/bill.js";
import { reject } from "../importer.js";
import { isRejection, readText } from "../values.js";
import type { BillFormat } from "./bill-format.js";
import { readAmount, readUtcDay, roundingOf } from "./values.js";

/** What is billed by no model, such as web searches, goes by the first of these that is stated. */
const NAMES = ["model", "cost_type", "usage_type"] as const;

/** Costs by day, model, key and kind of token, each rounded to the cent. Models go by the names that the console shows. */
export const anthropicCost: BillFormat = {
  name: "anthropic-cost",
  description: "an Anthropic cost export",
  provider: "anthropic",
  measure: "cost",
  detect: (sample) => "usage_date_utc" in sample && "cost_usd" in sample,
  read(fields, context) {
    const day = readUtcDay(fields, "usage_date_utc", context);
    if (isRejection(day)) return day;
    const cost = readAmount(fields, "cost_usd");
    if (isRejection(cost)) return cost;
    const rounding = roundingOf(fields.cost_usd);
    for (const field of NAMES) {
      const name = readText(fields, field);
      if (isRejection(name)) return name;
      if (name !== null) return { kind: "line", day, model: name, tokens: NO_TOKENS, cost, rounding };
    }
    return reject("model", "is missing");
  },
};
