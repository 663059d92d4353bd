/** What a model's name says, so that different spellings of one model can be told to be the same. */
export interface ModelName {
  /** The model whatever its snapshot, spelt in one way: `gpt-4o` of `openai/gpt-4o-2024-08-06`. */
  readonly family: string;
  /** The date of the snapshot as digits; `null` for an alias, which follows the provider's newest. */
  readonly snapshot: string | null;
  /** As it is written, without provider and date. */
  readonly plain: string;
}

const ISO_DATE = /[-@](20\d\d)-(\d\d)-(\d\d)$/;
const COMPACT_DATE = /[-@](20\d{6})$/;
/** OpenAI's older snapshots have no year: `gpt-4-0613`. */
const MONTH_AND_DAY = /-((?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$/;
const LATEST = /-latest$/;

/** Reads a name as a provider, a gateway or a console writes it: `openai/gpt-4o`, `Claude Haiku 4.5`. */
export function modelName(text: string): ModelName {
  const spelt = withoutProvider(text.trim().toLowerCase()).replaceAll(/\s+/g, "-");
  const { rest, snapshot } = splitDate(spelt);
  return { family: rest.startsWith("claude-") ? claudeFamily(rest) : rest, snapshot, plain: rest };
}

function withoutProvider(name: string): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  // A fine-tuned model, `ft:gpt-4o:org::id`, is billed as one of its base model, `ft-gpt-4o`.
  return last.startsWith("ft:") ? `ft-${last.split(":")[1] ?? ""}` : last;
}

function splitDate(name: string): { readonly rest: string; readonly snapshot: string | null } {
  const iso = ISO_DATE.exec(name);
  if (iso !== null) return { rest: name.slice(0, iso.index), snapshot: iso.slice(1).join("") };
  const compact = COMPACT_DATE.exec(name) ?? (name.startsWith("gpt-") ? MONTH_AND_DAY.exec(name) : null);
  if (compact !== null) return { rest: name.slice(0, compact.index), snapshot: compact[1] ?? null };
  return { rest: name.replace(LATEST, ""), snapshot: null };
}

/** `claude-3-5-sonnet`, `claude-3.5-sonnet` and `Claude Sonnet 3.5` are one model; so are `claude-opus-4` and its `-4-0`. */
function claudeFamily(name: string): string {
  const parts = name.replaceAll(".", "-").split("-").slice(1);
  const words = parts.filter((part) => !/^\d+$/.test(part));
  const numbers = parts.filter((part) => /^\d+$/.test(part));
  if (numbers.length > 1 && numbers.at(-1) === "0") numbers.pop();
  return ["claude", ...words, ...numbers].join("-");
}

const MAKERS: readonly (readonly [provider: string, names: RegExp])[] = [
  ["anthropic", /^claude\b/],
  [
    "openai",
    /^(?:ft-)?(?:gpt|chatgpt|o\d|codex|computer-use|text-embedding|dall-e|whisper|tts|omni-moderation|sora)\b/,
  ],
];

/** Who serves a model of that name, where a log does not say; `null` when the name does not tell. */
export function makerOf(model: string): string | null {
  const { plain } = modelName(model);
  return MAKERS.find(([, names]) => names.test(plain))?.[0] ?? null;
}

/** How the names of a bill and of the ledger were brought together. */
export type ModelMatch = "name" | "family" | "bill-only" | "ledger-only" | "all";

/** Models that are compared as one. */
export interface ModelGroup {
  readonly label: string;
  readonly match: ModelMatch;
  readonly billNames: readonly string[];
  readonly ledgerNames: readonly string[];
}

type Sided = { readonly bill: string[]; readonly ledger: string[] };

/**
 * Brings the names of a bill and of the ledger together. Snapshot is compared with snapshot and alias with alias. Where
 * only one side uses an alias, nobody can say which snapshots it stood for, and the whole family is compared as one.
 */
export function matchModels(billNames: Iterable<string>, ledgerNames: Iterable<string>): ModelGroup[] {
  const families = new Map<string, Map<string, Sided>>();
  const place = (name: string, side: keyof Sided) => {
    const { family, snapshot } = modelName(name);
    const snapshots = families.get(family) ?? new Map<string, Sided>();
    families.set(family, snapshots);
    const sided = snapshots.get(snapshot ?? "") ?? { bill: [], ledger: [] };
    snapshots.set(snapshot ?? "", sided);
    sided[side].push(name);
  };
  for (const name of billNames) place(name, "bill");
  for (const name of ledgerNames) place(name, "ledger");

  return [...families.values()].flatMap((snapshots) => {
    const sides = [...snapshots.values()];
    const isMixed = snapshots.has("") && sides.some(({ bill, ledger }) => !bill.length || !ledger.length);
    if (!isMixed) return sides.map((sided) => groupOf(sided, "name"));
    const all = {
      bill: sides.flatMap(({ bill }) => bill),
      ledger: sides.flatMap(({ ledger }) => ledger),
    };
    return [groupOf(all, "family")];
  });
}

function groupOf({ bill, ledger }: Sided, match: "name" | "family"): ModelGroup {
  const billNames = [...bill].sort();
  const ledgerNames = [...ledger].sort();
  const names = new Set([...ledgerNames, ...billNames]);
  const [first = ""] = names;
  return {
    label: match === "name" || names.size === 1 ? first : modelName(first).plain,
    match: bill.length === 0 ? "ledger-only" : ledger.length === 0 ? "bill-only" : match,
    billNames,
    ledgerNames,
  };
}
