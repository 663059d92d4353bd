import { AlphaError } from "../errors.js";
import { AUDIT_ACTIONS, AUDIT_NOUNS } from "./audit-actions.js";
import type { Engine } from "./engine.js";
import { displayName, nearest, requireUser } from "./find.js";
import { boundsOf, momentsOf } from "./moment.js";
import type { Reading, RecordedEntry } from "./ports.js";
import { canBeUndone, historyOf, undoings } from "./undo.js";

export interface AuditWanted {
  readonly actor?: string;
  /** `tier:free`; `tier` for every tier; or any name of a user. */
  readonly subject?: string;
  /** `users.promote`, or `users` for all that was done to users. */
  readonly action?: string;
  /** A day of the accounting zone or an instant; inclusive. */
  readonly since?: string;
  /** The same; exclusive. */
  readonly until?: string;
  /** Only entries numbered below this one: the next page. */
  readonly before?: number;
  /** At least 1. */
  readonly limit: number;
}

/** An entry with what has become of it. */
export interface AuditedChange {
  readonly entry: RecordedEntry;
  /** The change that it is about: of an undoing what it undid in the end, else the entry itself. */
  readonly change: RecordedEntry;
  /** The user whom the change was about; `null`: it was about something else. */
  readonly user: string | null;
  /** Whether it is of a kind that can be undone. */
  readonly undoable: boolean;
  /** The number of the entry that undid it; `null`: it counts. */
  readonly undoneBy: number | null;
}

export interface AuditPage {
  /** Newest first. */
  readonly changes: readonly AuditedChange[];
  /** The `before` of the next page; `null`: this is the last. */
  readonly nextBefore: number | null;
  readonly timeZone: string;
}

/** One page of what operators did. */
export function listAudit(engine: Engine, wanted: AuditWanted): Promise<AuditPage> {
  const { subject, since, until, limit, action, ...rest } = wanted;
  return engine.store.read(async (tx) => {
    const timeZone = (await tx.settings.current()).time_zone;
    const found = await tx.records.audit({
      ...rest,
      ...(action === undefined ? {} : { action: await actionOf(tx, action) }),
      ...(subject === undefined ? {} : { subject: await subjectOf(tx, subject.trim()) }),
      ...boundsOf(momentsOf({ since, until }, timeZone)),
      // One more than is shown tells whether there is a next page.
      limit: limit + 1,
    });
    const entries = found.slice(0, limit);
    const nextBefore = found.length > limit ? (entries.at(-1)?.id ?? null) : null;
    return { changes: await described(tx, entries), nextBefore, timeZone };
  });
}

/** One entry. */
export function showAudit(
  engine: Engine,
  id: number,
): Promise<AuditedChange & { readonly timeZone: string }> {
  return engine.store.read(async (tx) => {
    const [change] = await described(tx, await tx.records.audit({ id }));
    if (change === undefined) {
      throw new AlphaError("not-found", `there is no audit entry ${id}`, {
        hint: "see what was done with: alpha audit",
      });
    }
    return { ...change, timeZone: (await tx.settings.current()).time_zone };
  });
}

/** An action or a noun, as entries have it; what is neither would find nothing, and silently. */
async function actionOf(tx: Reading, text: string): Promise<string> {
  const action = text.trim().replace(/\s+/g, ".");
  const known = [...AUDIT_ACTIONS, ...AUDIT_NOUNS];
  if (known.includes(action)) return action;
  // An earlier version may have called some otherwise.
  if ((await tx.records.audit({ action, limit: 1 })).length > 0) return action;
  const meant = nearest(action, known);
  throw new AlphaError(
    "not-found",
    `no action "${text}"${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    { hint: `it is a command, such as users.promote, or one of ${AUDIT_NOUNS.join(", ")}` },
  );
}

/** What entries call it: a user may be given by any name, everything else is given as it is listed. */
async function subjectOf(tx: Reading, text: string): Promise<string> {
  const [, name] = /^user:(.+)$/.exec(text) ?? [];
  if (name !== undefined) return `user:${(await tx.users.find(name))?.key ?? name}`;
  const [known] = await tx.records.audit({ subject: text, limit: 1 });
  if (known !== undefined || /^[a-z-]+:/.test(text)) return text;
  return `user:${(await requireUser(tx, text)).key}`;
}

async function described(tx: Reading, entries: readonly RecordedEntry[]): Promise<AuditedChange[]> {
  const history = await historyOf(tx);
  const undone = undoings(
    history,
    entries.map(({ id }) => id),
  );
  const users = new Map<string, string>();
  if (entries.length > 0) {
    for (const user of await tx.users.list({ removed: true })) {
      users.set(`user:${user.key}`, displayName(user));
    }
  }
  return entries.map((entry) => {
    const change = history.changeOf(entry) ?? entry;
    return {
      entry,
      change,
      user: users.get(change.subject) ?? null,
      undoable: canBeUndone(change),
      undoneBy: undone.get(entry.id) ?? null,
    };
  });
}
