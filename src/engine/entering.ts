import type { Entry, EntryStatus, LedgerEvent, Operation } from "../domain/ledger-model.js";
import type { PreviewMemory } from "../domain/ledger-preview.js";
import { AlphaError } from "../errors.js";
import type { MeterStore } from "./ports.js";
import { SeenEvents } from "./seen-events.js";

export type RecordOperation = Extract<Operation, { op: "record" }>;

/** What became of an entry. `refused`: the ledger cannot count it, for the reason stated. */
export type Entered =
  | { readonly status: EntryStatus; readonly event: LedgerEvent | null }
  | { readonly status: "refused"; readonly reason: string };

/** Puts entries into the ledger, or finds out what would become of them. */
export type Enter = (operations: readonly RecordOperation[]) => Promise<readonly Entered[]>;

export function committing(meter: MeterStore): Enter {
  return sparing(async (operations) =>
    (await meter.commit(operations, { background: true })).map(recordOutcome),
  );
}

/** Who would be onboarded first; `null`: nobody. */
type Expected = Pick<PreviewMemory, "userOf"> | null;

/** What `committing` would answer now, call by call: nothing is remembered. */
export function probing(meter: MeterStore, expected: Expected): Enter {
  return sparing(async (operations) => {
    const memory = expected === null ? undefined : new SeenEvents(expected);
    return (await meter.preview(operations, memory)).map(recordOutcome);
  });
}

/** What `committing` would answer to all calls one after the other, with nothing written. */
export function trying(meter: MeterStore, expected: Expected): Enter {
  const memory = new SeenEvents(expected);
  return sparing(async (operations) => (await meter.preview(operations, memory)).map(recordOutcome));
}

export function recordOf(entry: Entry, at: number): RecordOperation {
  return { op: "record", entry, at };
}

function recordOutcome(outcome: Awaited<ReturnType<MeterStore["commit"]>>[number]): Entered {
  if (outcome.op !== "record") throw new Error(`a record was answered as ${outcome.op}`);
  return { status: outcome.status, event: outcome.event };
}

/** One record that cannot be counted, such as one that costs more than $9 million, must not take the others down. */
function sparing(enter: Enter): Enter {
  const spare: Enter = async (operations) => {
    try {
      return await enter(operations);
    } catch (error) {
      if (!(error instanceof AlphaError) || (error.code !== "usage" && error.code !== "failed")) throw error;
      if (operations.length === 1) return [{ status: "refused", reason: error.message }];
      const half = operations.length >> 1;
      return [...(await spare(operations.slice(0, half))), ...(await spare(operations.slice(half)))];
    }
  };
  return spare;
}
