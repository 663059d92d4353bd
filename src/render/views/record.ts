import { formatUsd, moneyJson } from "../../domain/money.js";
import type { Style } from "../style.js";

interface RecordView {
  readonly id: string;
  readonly status: "inserted" | "duplicate";
  readonly user: { readonly key: string; readonly email: string | null };
  readonly cost: number;
  readonly assumed: number;
  readonly pricedBy: "log" | "own" | "book" | "none" | null;
  readonly unpriced: boolean;
}

const FROM = { log: "as stated", own: "by your own price", book: "by the price book" } as const;

export function recordJson({ id, status, user, cost, assumed, pricedBy, unpriced }: RecordView) {
  const counted = pricedBy !== null;
  return {
    id,
    status,
    user: user.key,
    cost: counted && !unpriced ? moneyJson(cost) : null,
    assumed_cost: counted && unpriced ? moneyJson(assumed) : null,
    priced_by: pricedBy,
    unpriced: counted ? unpriced : null,
  };
}

export function recordText(view: RecordView, dryRun: boolean, style: Style): string {
  const { id, status, user, pricedBy } = view;
  const who = user.email ?? user.key;
  if (status === "duplicate" || pricedBy === null) {
    return `${style.warn("Duplicate:")} this call of ${who} is in the ledger already; nothing was counted.\n`;
  }
  const verb = dryRun ? "Would record" : "Recorded";
  return `${style.ok(verb)} one call of ${who}: ${costText(view, style)}.\nIts id is ${id}.\n`;
}

function costText({ cost, assumed, pricedBy, unpriced }: RecordView, style: Style): string {
  if (!unpriced && pricedBy === "none") return `${formatUsd(cost)}, since nothing was used`;
  if (pricedBy !== "none" && pricedBy !== null) return `${formatUsd(cost)}, ${FROM[pricedBy]}`;
  return style.warn(
    assumed === 0
      ? "unpriced, since no price is known"
      : `unpriced, since no price is known; assumed to cost ${formatUsd(assumed)} at the planning rates`,
  );
}
