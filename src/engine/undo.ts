import { type Step, standsUpon, undoneBy } from "../domain/undoing.js";
import { formatInstant, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName } from "./find.js";
import { auditSubject, type GuardrailStanding, guardrailStandings } from "./guardrails.js";
import type { AuditEntry, Reading, RecordedEntry } from "./ports.js";
import { UNDO, undoneEntry } from "./undo-chain.js";
import { keyOf, type Turn, type Undoable } from "./undoable.js";
import { GUARDRAIL, PRICE, SETTING, TIER } from "./undoable-rules.js";
import { STOP } from "./undoable-stops.js";
import { OVERRIDES, PERSONA, STATUS, TIER_OF_USER } from "./undoable-users.js";

/** Every action that can be undone. */
const UNDOABLE: Readonly<Record<string, Undoable<unknown>>> = {
  "users.promote": TIER_OF_USER,
  "users.demote": TIER_OF_USER,
  "users.suspend": STATUS,
  "users.resume": STATUS,
  "users.persona": PERSONA,
  "users.override": OVERRIDES,
  "users.override-revoke": OVERRIDES,
  "tiers.add": TIER,
  "tiers.set": TIER,
  "tiers.remove": TIER,
  "settings.set": SETTING,
  "prices.set": PRICE,
  "prices.remove": PRICE,
  "guardrails.set": GUARDRAIL,
  "guardrails.clear": GUARDRAIL,
  "emergency-stop.on": STOP,
  "emergency-stop.off": STOP,
};

/** What does instead what undoing cannot. */
const INSTEAD: Readonly<Record<string, (entry: RecordedEntry) => string>> = {
  "usage.import": ({ subject }) =>
    `take it back with: alpha usage undo-import ${subject.replace(/^import:/, "")}`,
  "users.add": () => "take them out again with: alpha users remove",
  "users.remove": () => "bring them back with: alpha users add --restore",
};

const WHAT_CAN =
  "what can be: moves between tiers, overrides, suspensions, personas, tiers, settings, prices, guardrails, emergency stops";

/** What was undone, or would be. */
export interface Undone {
  /** The entry that was named. */
  readonly entry: RecordedEntry;
  /** The change that it all began with: the entry itself, or what an undoing had undone. */
  readonly change: RecordedEntry;
  /** The user whom the change was about; `null`: it was about something else. */
  readonly user: string | null;
  /** The guardrail that was put back, as it stands now; empty: it was about something else, or there is none any more. */
  readonly guardrails: readonly GuardrailStanding[];
  /** The number of the audit entry of this undoing. */
  readonly number: number;
}

/**
 * Puts back what one change had found, unless something has been built upon it since. An undoing is a change, too.
 * @throws AlphaError `not-found`, `conflict`
 */
export function undo(
  engine: Engine,
  id: number,
  input: { readonly reason?: string } = {},
  options: ChangeOptions = {},
): Promise<Undone> {
  return engine.store.write(async (tx) => {
    const at = engine.now();
    const [entry] = await tx.records.audit({ id });
    if (entry === undefined) {
      throw new AlphaError("not-found", `there is no audit entry ${id}`, {
        hint: "see what was done with: alpha audit",
      });
    }
    const history = await historyOf(tx);
    const change = history.changeOf(entry);
    const undoable = change === undefined ? undefined : UNDOABLE[change.action];
    if (change === undefined || undoable === undefined) throw cannotBeUndone(entry);
    requireNothingUpon(history, entry);

    const lasting = (state: unknown) =>
      state === null || undoable.lasting === undefined ? state : undoable.lasting(state, at);
    const turn: Turn<unknown> = {
      change,
      from: lasting(entry.after),
      to: lasting(entry.before),
      madeAt: entry.at,
      at,
    };
    if (!isSame(await undoable.stands(tx, change, at), turn.from)) {
      const { message, hint } = (await undoable.instead?.(tx, change, at)) ?? {
        message: "things have changed since",
        hint: `see what else was done to it: alpha audit --subject ${change.subject}`,
      };
      throw new AlphaError("conflict", `${nameOf(entry)} cannot be undone: ${message}`, { hint });
    }
    if (isSame(turn.from, turn.to)) {
      throw new AlphaError("conflict", `what ${nameOf(entry)} changed has run out by itself since`);
    }
    await undoable.restore(tx, turn).catch((error: unknown) => {
      throw refused(entry, error);
    });
    const number = await audit(engine, tx, at, {
      action: UNDO,
      subject: `audit:${entry.id}`,
      before: entry.after,
      after: entry.before,
      reason: input.reason?.trim() || null,
    });
    const guardrails = await guardrailsOf(tx, change, at);
    return { entry, change, user: await userOf(tx, change), guardrails, number };
  }, options);
}

async function guardrailsOf(tx: Reading, { subject }: AuditEntry, at: Instant): Promise<GuardrailStanding[]> {
  if (!subject.startsWith("guardrail:")) return [];
  return (await guardrailStandings(tx, at)).filter(({ guardrail }) => auditSubject(guardrail) === subject);
}

async function userOf(tx: Reading, { subject }: AuditEntry): Promise<string | null> {
  const user = subject.startsWith("user:") ? await tx.users.find(keyOf(subject)) : undefined;
  return user === undefined ? null : displayName(user);
}

/** Every change that can be undone, and every undoing. */
export interface History {
  readonly steps: readonly Step[];
  readonly entries: ReadonlyMap<number, RecordedEntry>;
  /** The change that an entry began with, if it can be undone. */
  changeOf(entry: RecordedEntry): RecordedEntry | undefined;
}

export async function historyOf(tx: Reading): Promise<History> {
  const newestFirst = await tx.records.audit({ actions: [...Object.keys(UNDOABLE), UNDO] });
  const entries = new Map<number, RecordedEntry>();
  const changes = new Map<number, RecordedEntry>();
  const steps: Step[] = [];
  for (const entry of newestFirst.reverse()) {
    const undoes = undoneEntry(entry);
    const change = undoes === null ? entry : changes.get(undoes);
    if (change === undefined) continue;
    entries.set(entry.id, entry);
    changes.set(entry.id, change);
    steps.push({ id: entry.id, root: change.id, things: thingsOf(change) });
  }
  return { steps, entries, changeOf: ({ id }) => changes.get(id) };
}

function thingsOf(change: AuditEntry): readonly string[] {
  return UNDOABLE[change.action]?.things(change) ?? [];
}

/** Whether a change is of a kind that can be undone. */
export function canBeUndone({ action }: AuditEntry): boolean {
  return UNDOABLE[action] !== undefined;
}

/** The number of the undoing by which each of some entries counts no more; entries that count are left out. */
export function undoings(history: History, ids: readonly number[]): ReadonlyMap<number, number> {
  const undone = new Map<number, number>();
  for (const step of history.steps) {
    if (!ids.includes(step.id)) continue;
    const by = undoneBy(history.steps, step);
    if (by !== null) undone.set(step.id, by.id);
  }
  return undone;
}

function requireNothingUpon({ steps, entries }: History, entry: RecordedEntry): void {
  const step = steps.find((each) => each.id === entry.id) as Step;
  const upon = standsUpon(steps, step);
  if (upon === null) return;
  const other = entries.get(upon.id) as RecordedEntry;
  const by = `${nameOf(other)} by ${other.actor} at ${formatInstant(other.at)}`;
  throw new AlphaError(
    "conflict",
    upon.root === step.root
      ? `${nameOf(entry)} was undone already, with ${by}`
      : `${nameOf(entry)} cannot be undone: ${by} came after it`,
    {
      hint:
        upon.root === step.root
          ? `take that back with: alpha undo ${upon.id}`
          : `undo that first, if it is to go too: alpha undo ${upon.id}`,
    },
  );
}

/** What refuses to be put back says so of itself only. */
function refused(entry: RecordedEntry, error: unknown): unknown {
  if (!(error instanceof AlphaError) || !REFUSALS.has(error.code)) return error;
  const { message, hint, cause } = error;
  return new AlphaError("conflict", `${nameOf(entry)} cannot be undone: ${message}`, { hint, cause });
}

const REFUSALS: ReadonlySet<string> = new Set(["usage", "not-found", "conflict"]);

function cannotBeUndone(entry: RecordedEntry): AlphaError {
  return new AlphaError("conflict", `${nameOf(entry)} cannot be undone`, {
    hint: INSTEAD[entry.action]?.(entry) ?? WHAT_CAN,
  });
}

/** How an entry is called in sentences: `12 (users.promote)`. */
function nameOf({ id, action }: RecordedEntry): string {
  return `${id} (${action})`;
}

/** Whether two states say the same, as far as either says anything; the order in lists says nothing. */
function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** Rows of the database are written anew when something is put back. */
const OF_THE_ROW: ReadonlySet<string> = new Set(["id", "since"]);

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const said = Object.entries(value).filter(([key, member]) => member != null && !OF_THE_ROW.has(key));
  return said.length === 0
    ? "null"
    : `{${said
        .map(([key, member]) => `${key}:${canonical(member)}`)
        .sort()
        .join()}}`;
}
