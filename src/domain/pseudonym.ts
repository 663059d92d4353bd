/** What operators wrote into one record: an audit entry, the reason of a stop, the options of an import. */
export interface RecordTexts {
  /** `noun:key`; `null`: the record has none. */
  readonly subject: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
}

/** Returns the very same record where nothing in it was the person's. */
export type Rewrite = (record: RecordTexts) => RecordTexts;

/** Fields that hold names of users, in whatever record. */
const NAME_FIELDS: ReadonlySet<string> = new Set([
  "key",
  "email",
  "name",
  "alias",
  "aliases",
  "user",
  "users",
]);

/** Every name that the records of one user give them, former ones too. */
export function namesIn(record: Pick<RecordTexts, "before" | "after">): string[] {
  const names: string[] = [];
  const look = (value: unknown, named: boolean): void => {
    if (typeof value === "string") {
      if (named && value.trim() !== "") names.push(value);
    } else if (Array.isArray(value)) {
      for (const each of value) look(each, named);
    } else if (typeof value === "object" && value !== null) {
      for (const [field, member] of Object.entries(value)) look(member, NAME_FIELDS.has(field));
    }
  };
  look(record.before, false);
  look(record.after, false);
  return names;
}

/**
 * Puts a pseudonym in the place of every name of a person. Where a field holds names, each is compared as a whole. In
 * sentences they are replaced as whole words: all of them in records about the person, and elsewhere those alone that
 * can hardly be anything else, since `free` may be an alias and is a tier.
 */
export function pseudonymising(key: string, names: readonly string[], pseudonym: string): Rewrite {
  const all = [...new Set([key, ...names].map((name) => name.trim().toLowerCase()))].filter(Boolean);
  const known = new Set(all);
  const isOurs = (text: string) => known.has(text.trim().toLowerCase());
  const everyName = wordsOf(all);
  const plainNames = wordsOf(all.filter(isUnmistakable));
  const replaced = (text: string, words: RegExp | null) =>
    words === null ? text : text.replace(words, pseudonym);

  const rewritten = (value: unknown, named: boolean, words: RegExp | null): unknown => {
    if (typeof value === "string") return named && isOurs(value) ? pseudonym : replaced(value, words);
    if (Array.isArray(value)) return value.map((each) => rewritten(each, named, words));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([field, member]) => [
        field,
        rewritten(member, NAME_FIELDS.has(field), field === "reason" ? words : plainNames),
      ]),
    );
  };

  return (record) => {
    const about = record.subject === `user:${key}` || namesIn(record).some(isOurs);
    const words = about ? everyName : plainNames;
    const fresh = {
      ...record,
      subject: record.subject === `user:${key}` ? `user:${pseudonym}` : record.subject,
      before: rewritten(record.before, false, words),
      after: rewritten(record.after, false, words),
      reason: record.reason === null ? null : replaced(record.reason, words),
    };
    return JSON.stringify(fresh) === JSON.stringify(record) ? record : fresh;
  };
}

/** Addresses, full names, keys: nothing that is also a word of the language or of this program. */
function isUnmistakable(name: string): boolean {
  return /[@\s]/.test(name) || (name.length >= 6 && /[^\p{L}]/u.test(name));
}

/** `null`: no words at all. */
function wordsOf(names: readonly string[]): RegExp | null {
  if (names.length === 0) return null;
  // The longest first: an address contains the id that it was made from.
  const longest = [...names].sort((a, b) => b.length - a.length);
  const either = longest.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|");
  return new RegExp(
    `(?<![\\p{L}\\p{N}_@+-]|[\\p{L}\\p{N}]\\.)(?:${either})(?![\\p{L}\\p{N}_@+-]|\\.[\\p{L}\\p{N}])`,
    "giu",
  );
}
