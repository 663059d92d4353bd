import type { GuardrailAction } from "../domain/guardrail.js";
import { PERIODS } from "../domain/meter.js";
import { NO_RATES } from "../domain/own-price-rules.js";
import type { OwnPrice } from "../domain/own-prices.js";
import { SETTING_RULES, type Settings } from "../domain/settings.js";
import { requireTier, type Tier } from "../domain/tier.js";
import { formatInstant, parseInstant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Reading } from "./ports.js";
import { auditedPrice } from "./price-changes.js";
import { requireSettable, requireSettingKey, type SettingValue } from "./settings.js";
import { requireFreeRank, requireUnused } from "./tiers.js";
import { keyOf, type Undoable } from "./undoable.js";

/** `tiers add`, `set` and `remove`. */
export const TIER: Undoable<Tier> = {
  things: ({ subject }) => [subject],
  stands: async (tx, { subject }) => (await tx.tiers.find(keyOf(subject))) ?? null,
  async restore(tx, { change, to, at }) {
    const key = keyOf(change.subject);
    if (to === null) {
      await requireUnused(tx, key, at);
      await tx.tiers.remove(key, at);
      return;
    }
    await requireFreeRank(tx, requireTier(to));
    await tx.tiers.save(to, at);
  },
};

/** `settings set`. */
export const SETTING: Undoable<{ readonly value: SettingValue }> = {
  things: ({ subject }) => [subject],
  async stands(tx, { subject }) {
    return { value: (await tx.settings.current())[requireSettingKey(keyOf(subject))] };
  },
  async restore(tx, { change, to, at }) {
    const key = requireSettingKey(keyOf(change.subject));
    const rule: { readonly parse: (text: string) => unknown; readonly print: (value: never) => string } =
      SETTING_RULES[key];
    const value = to?.value ?? null;
    // A later version may take less than the one that wrote the entry.
    rule.parse(rule.print(value as never));
    await requireSettable(tx, key, value).catch((error: unknown) => {
      if (!(error instanceof AlphaError)) throw error;
      const { code, message, hint } = error;
      const again = `${key} cannot be ${rule.print(value as never)} again (${message})`;
      throw new AlphaError(code, again, { hint });
    });
    await tx.settings.set(key, value as Settings[typeof key] as never, at);
  },
};

/** `guardrails set` and `clear`. */
export const GUARDRAIL: Undoable<{ readonly limit: number; readonly action: GuardrailAction }> = {
  things: ({ subject }) => [subject],
  async stands(tx, { subject }) {
    const found = await guardrailOf(tx, subject);
    return found === undefined ? null : { limit: found.limit, action: found.action };
  },
  async restore(tx, { change, to, madeAt, at }) {
    const present = await guardrailOf(tx, change.subject);
    if (to === null) {
      if (present !== undefined) await tx.emergency.clearGuardrail(present.id, at);
      return;
    }
    const [meter, period] = keyOf(change.subject).split("/");
    await tx.emergency.setGuardrail(
      {
        meter: meter === "cost" ? "cost" : "tokens",
        period: PERIODS.find((each) => each === period) ?? "day",
        limit: to.limit,
        action: to.action,
      },
      at,
      // What was lifted stays lifted: it is the same guardrail again.
      madeAt,
    );
  },
};

async function guardrailOf(tx: Reading, subject: string) {
  const guardrails = await tx.emergency.guardrails();
  return guardrails.find(({ meter, period }) => `${meter}/${period}` === keyOf(subject));
}

type AuditedPrice = ReturnType<typeof auditedPrice>;

/** `prices set` and `remove`. A price is one thing from each of its starts on. */
export const PRICE: Undoable<AuditedPrice> = {
  things: ({ subject, before, after }) => [`${subject} from ${(after ?? before)?.from}`],
  async stands(tx, { before, after }) {
    const found = await priceOf(tx, after ?? before);
    return found === undefined ? null : auditedPrice(found);
  },
  async restore(tx, { from, to, at }) {
    const present = await priceOf(tx, from);
    if (present !== undefined) await tx.prices.end(present.id, at);
    if (to === null) return;
    const { provider, model, rates } = to;
    await tx.prices.add({ provider, model, startsAt: startOf(to), rates: { ...NO_RATES, ...rates } }, at);
  },
};

async function priceOf(tx: Reading, price: AuditedPrice | null): Promise<OwnPrice | undefined> {
  if (price === null) return undefined;
  const { provider, model, from } = price;
  return (await tx.prices.own()).find(
    (each) => each.provider === provider && each.model === model && formatInstant(each.startsAt) === from,
  );
}

function startOf({ from }: AuditedPrice): number {
  const at = parseInstant(from);
  if (at === null) throw new AlphaError("failed", `the audit says that a price begins at "${from}"`);
  return at;
}
