import { formatUsd, moneyJson } from "../../domain/money.js";
import type { Settings } from "../../domain/settings.js";
import type { Style } from "../style.js";
import { list } from "../text.js";

interface InitView {
  readonly settings: Settings;
  readonly tiersCreated: readonly string[];
  readonly budget: number | null;
  readonly repeated: boolean;
}

export function initJson({ settings, tiersCreated, budget }: InitView) {
  return {
    time_zone: settings.time_zone,
    default_tier: settings.default_tier,
    tiers_created: tiersCreated,
    daily_budget: budget === null ? null : moneyJson(budget),
  };
}

export function initText(view: InitView & { readonly database: string }, style: Style): string {
  const { settings, tiersCreated, budget, repeated, database } = view;
  const lines = repeated
    ? [`${style.ok("Up to date:")} ${database}`]
    : [
        `${style.ok("Created")} ${database}`,
        `Tiers: ${list(tiersCreated, "and")}; new testers start on ${settings.default_tier}.`,
      ];
  lines.push(`Days and months begin at midnight in ${settings.time_zone}.`);
  lines.push(
    budget === null
      ? "There is no daily budget yet; set one with: alpha init --daily-budget 25"
      : `Daily budget: ${formatUsd(budget)} over all testers; beyond it every call is stopped.`,
  );
  if (!repeated) lines.push(`Next: ${style.code("alpha users add ada@example.com")}`);
  return `${lines.join("\n")}\n`;
}
