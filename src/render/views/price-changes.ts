import { moneyJson } from "../../domain/money.js";
import type { RateDoubt, RateUnit, WorkedExample } from "../../domain/own-price-rules.js";
import type { OwnPrice } from "../../domain/own-prices.js";
import { formatInstant } from "../../domain/window.js";
import { renderFields } from "../fields.js";
import type { Style } from "../style.js";
import { count, list, plural, wrap } from "../text.js";
import { ownPriceJson, priceName, whenText } from "./prices.js";
import { rateText } from "./rates.js";

interface Kind {
  readonly provider: string;
  readonly model: string;
}

export interface PriceSetView {
  readonly price: OwnPrice;
  readonly replaced: OwnPrice | null;
  readonly timeZone: string;
  readonly hasBegun: boolean;
  readonly examples: readonly WorkedExample[];
  readonly models: readonly Kind[];
  readonly unpricedBefore: number;
  readonly repriceFrom: number;
  readonly shadowed: readonly Kind[];
  readonly doubts: readonly (RateDoubt & { readonly model: string | null })[];
  readonly providerInName: string | null;
}

export interface PriceRemovedView {
  readonly price: OwnPrice;
  readonly models: readonly Kind[];
}

interface PrintOptions {
  readonly dryRun: boolean;
  /** In which zone instants are told; `null` off a terminal: RFC 3339 in UTC. */
  readonly local: string | null;
  readonly style: Style;
  readonly width: number | null;
}

/** The option that states each rate. */
export const RATE_OPTIONS: Readonly<Record<RateUnit, string>> = {
  input: "--input",
  cacheRead: "--cached-input",
  cacheWrite: "--cache-write",
  output: "--output",
  image: "--image",
  request: "--call",
};

const UNIT_NAMES: Readonly<Record<RateUnit, string>> = {
  input: "per million input tokens",
  cacheRead: "per million cached input tokens",
  cacheWrite: "per million tokens written to a cache",
  output: "per million output tokens",
  image: "per image",
  request: "per call",
};

/** Models that a sentence names; the rest is counted. */
const NAMED = 3;

export function priceSetJson({
  price,
  replaced,
  unpricedBefore,
  examples,
  models,
  shadowed,
  doubts,
}: PriceSetView) {
  return {
    ...ownPriceJson(price),
    replaced: replaced === null ? null : ownPriceJson(replaced),
    unpriced_events_before: unpricedBefore,
    examples: examples.map(({ usage, cost }) => ({
      input_tokens: usage.input,
      output_tokens: usage.output,
      images: usage.images,
      cost: moneyJson(cost),
    })),
    models: models.map(({ provider, model }) => ({ provider, model })),
    decided_by_others: shadowed.map(({ provider, model }) => ({ provider, model })),
    doubts: doubts.map((doubt) => doubtSentence(doubt)),
  };
}

export function priceRemovedJson({ price, models }: PriceRemovedView) {
  return { ...ownPriceJson(price), models: models.map(({ provider, model }) => ({ provider, model })) };
}

export function priceSetText(view: PriceSetView, { dryRun, local, style, width }: PrintOptions): string {
  const { price, replaced, examples, hasBegun, models, unpricedBefore, repriceFrom } = view;
  const verb = replaced === null ? (dryRun ? "Would set" : "Set") : dryRun ? "Would replace" : "Replaced";
  const since = `from ${whenText(price.startsAt, local)} on${hasBegun ? "" : ", which is to come"}`;
  const sentence = (text: string) => (width === null ? [text] : wrap(text, width));
  const lines = [`${style.ok(verb)} the price of ${style.emphasis(priceName(price))} ${since}.`];
  const fields = renderFields(rateFields(price, replaced), { style, width });
  if (examples.length > 0) lines.push(...sentence(`${list(examples.map(exampleText))}.`));
  if (models.length > 0) lines.push(...sentence(`It decides about ${kindsText(models)} in the ledger.`));
  if (unpricedBefore > 0) {
    const one = unpricedBefore === 1;
    const events = `${plural(unpricedBefore, "event")} of before ${one ? "has" : "have"} no price`;
    lines.push(
      ...sentence(`${events}; with an earlier --from, it is for ${one ? "that" : "those"}, too.`).map(
        style.warn,
      ),
    );
  }
  if (hasBegun && models.length > 0) {
    lines.push(
      ...sentence("Usage that is in the ledger keeps its cost. What it would cost now:"),
      `  ${style.code(`alpha usage reprice --since ${formatInstant(repriceFrom)} --dry-run`)}`,
    );
  }
  const [head, ...rest] = lines;
  return `${head}\n${fields}${rest.map((line) => `${line}\n`).join("")}`;
}

function rateFields(price: OwnPrice, replaced: OwnPrice | null): [string, string][] {
  return (Object.keys(UNIT_NAMES) as RateUnit[]).flatMap((unit): [string, string][] => {
    const now = price.rates[unit];
    const before = replaced?.rates[unit] ?? null;
    if (now === null && before === null) return [];
    const was = replaced === null || now === before ? "" : ` (was ${rateText(before)})`;
    return [[UNIT_NAMES[unit], `${rateText(now)}${was}`]];
  });
}

/** `1,000 input and 500 output tokens then cost $0.0075`. */
function exampleText({ usage, cost }: WorkedExample): string {
  const { input, output, images } = usage;
  if (images > 0) return `${plural(images, "image")} ${images === 1 ? "costs" : "cost"} ${rateText(cost)}`;
  const parts = [
    ...(input > 0 ? [`${count(input)} input`] : []),
    ...(output > 0 ? [`${count(output)} output`] : []),
  ];
  return `${list(parts)} tokens then cost ${rateText(cost)}`;
}

export function kindsText(kinds: readonly Kind[]): string {
  const names = kinds.map((kind) => (kind.model === "" ? "calls that name no model" : priceName(kind)));
  const rest = names.length - NAMED;
  return list(rest > 0 ? [...names.slice(0, NAMED), plural(rest, "more model")] : names);
}

export function priceRemovedText(
  { price, models }: PriceRemovedView,
  { dryRun, local, style, width }: PrintOptions,
): string {
  const verb = style.ok(dryRun ? "Would remove" : "Removed");
  const said = `${verb} the price of ${style.emphasis(priceName(price))} from ${whenText(price.startsAt, local)} on.\n`;
  if (models.length === 0) return said;
  const rest = `It decided about ${kindsText(models)}. Usage that is in the ledger keeps its cost until it is repriced.`;
  return `${said}${(width === null ? [rest] : wrap(rest, width)).map((line) => `${line}\n`).join("")}`;
}

/** What is odd about a price, each in a sentence. */
export function priceWarnings({ price, models, shadowed, doubts, providerInName }: PriceSetView): string[] {
  const warnings = doubts.map(doubtSentence);
  if (models.length === 0 && shadowed.length === 0) {
    const hint =
      providerInName === null
        ? "check that it is spelt as the product spells it"
        : `if ${providerInName} is the provider, say --provider ${providerInName} and leave it out of the name`;
    warnings.push(`no call of ${priceName(price)} is in the ledger yet; ${hint}`);
  }
  if (shadowed.length > 0) {
    warnings.push(
      `for ${kindsText(shadowed)} another price of your own goes before it; see: alpha prices list`,
    );
  }
  return warnings;
}

function doubtSentence({ unit, rate, book, meant, model }: RateDoubt & { model: string | null }): string {
  const said = `${RATE_OPTIONS[unit]} ${rateText(rate)} ${UNIT_NAMES[unit]}`;
  const than =
    book === null
      ? ""
      : ` than the ${rateText(book)} of the price book${model === null ? "" : ` for ${model}`}`;
  const times =
    book === null ? "unusually" : `${count(Math.round(Math.max(rate / book, book / rate)))} times`;
  const isLess = book === null ? meant !== null : rate < book;
  const sentence = `${said} is ${times} ${book === null ? (isLess ? "little" : "much") : isLess ? "less" : "more"}${than}`;
  if (meant === null) return sentence;
  return `${sentence}; if it was meant per ${meant === "token" ? "token" : "1,000 tokens"}, say ${RATE_OPTIONS[unit]} ${perMillion(rate, meant)}`;
}

function perMillion(rate: number, meant: "token" | "thousand"): string {
  return rateText(rate * (meant === "token" ? 1_000_000 : 1_000))
    .slice(1)
    .replaceAll(",", "");
}
