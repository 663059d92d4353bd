import { UNDONE } from "../domain/ledger-corrections.js";
import type { Operation, OperationOutcome } from "../domain/ledger-model.js";
import { usdString } from "../domain/money.js";
import { totalTokens } from "../domain/usage.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { requireImport } from "./imports.js";
import type { ImportRecord, Progress } from "./ports.js";

export interface UndoOptions extends ChangeOptions {
  readonly reason?: string;
  /** Stops after the slice in hand; what was taken back by then stays so, and the next run goes on. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/** What undoing an import took back, by this run. Sums are bigints: one file may hold anything. */
export interface UndoneImport {
  /** As it was before. */
  readonly import: ImportRecord;
  /** Events that count no more. */
  readonly events: number;
  /** Events that stay, since another source has met the same calls. */
  readonly kept: number;
  /** Events of other imports that stand again as before this one superseded them. */
  readonly restored: number;
  /**
   * Imports that met duplicates since, newest first. Of these the ledger keeps only how many they were: some may have
   * been the calls that count no more. None where no event was taken back.
   */
  readonly metSince: readonly ImportRecord[];
  readonly requests: bigint;
  readonly tokens: bigint;
  readonly images: bigint;
  /** Nanos, known. */
  readonly cost: bigint;
  /** Nanos that unpriced usage was assumed to cost. */
  readonly assumed: bigint;
}

/** Identities in one transaction: long enough to be quick, short enough for a call that wants the lock in between. */
const SLICE = 400;
/** Imports read at a time. */
const PAGE = 1_000;

/**
 * Takes back what one import brought, by corrections, and frees its ids: imported again, the same records count again.
 * In short transactions that leave gaps for metered calls; a run that was cut off is taken up by the next.
 * @throws AlphaError `not-found`; `conflict` when it was undone already, or some of it is sealed; `interrupted`
 */
export async function undoImport(
  engine: Engine,
  number: number,
  { dryRun = false, reason, signal, progress }: UndoOptions = {},
): Promise<UndoneImport> {
  const [record, undone] = await engine.store.read(async (tx) => [
    await requireImport(tx, number),
    await tx.records.undoneImports(),
  ]);
  const taken = new Taken(record);
  let done = 0;
  let after: Parameters<typeof nextSlice>[1] = null;
  do {
    const { identities, next } = await nextSlice(engine, after, number);
    const at = engine.now();
    const operations = identities.map(
      ({ source, id, event, user }): Operation => ({
        op: "correct",
        user,
        event,
        correction: { to: "undo", source, id, importId: number, undone },
        at,
      }),
    );
    const outcomes = await (dryRun
      ? engine.store.meter.preview(operations)
      : engine.store.meter.commit(operations, { background: true }));
    for (const outcome of outcomes) taken.add(outcome);
    done += identities.length;
    progress?.report({ done, total: record.inserted || null, records: done, rejected: 0 });
    if (signal?.aborted === true) {
      throw new AlphaError("interrupted", `undoing import ${number} was interrupted`, {
        hint: "what was taken back stays so; the same command goes on with the rest",
      });
    }
    after = next;
  } while (after !== null);
  const sums = taken.result();
  const result = { ...sums, metSince: sums.events === 0 ? [] : await importsThatMet(engine, record) };
  if (!dryRun) await end(engine, result, reason);
  return result;
}

function nextSlice(engine: Engine, after: { sourceId: number; id: string } | null, number: number) {
  return engine.store.read((tx) => tx.records.broughtBy(number, { after, limit: SLICE }));
}

/** Also those that had begun before it, and were still running. */
function importsThatMet(engine: Engine, { number, startedAt }: ImportRecord): Promise<ImportRecord[]> {
  return engine.store.read(async (tx) => {
    const found: ImportRecord[] = [];
    let page: ImportRecord[] = [];
    do {
      const before = page.at(-1)?.number;
      page = await tx.records.imports({ limit: PAGE, ...(before === undefined ? {} : { before }) });
      for (const each of page) {
        const isSince = each.number > number || (each.finishedAt !== null && each.finishedAt > startedAt);
        if (each.number !== number && isSince && each.undoneAt === null && (each.duplicate ?? 0) > 0)
          found.push(each);
      }
    } while (page.length === PAGE);
    return found;
  });
}

function end(
  engine: Engine,
  { import: record, ...taken }: UndoneImport,
  reason: string | undefined,
): Promise<void> {
  return engine.store.write(async (tx) => {
    // Somebody else may have come to the end at the same time.
    if ((await tx.records.import(record.number))?.undoneAt !== null) return;
    const at = engine.now();
    await tx.records.endImport(record.number, at);
    const { file, inserted, superseded } = record;
    await audit(engine, tx, at, {
      action: "usage.undo-import",
      subject: `import:${record.number}`,
      before: { file, inserted, superseded },
      after: {
        events: taken.events,
        kept: taken.kept,
        restored: taken.restored,
        cost_usd: usdString(taken.cost),
        assumed_usd: usdString(taken.assumed),
      },
      reason: reason ?? null,
    });
  });
}

/** Adds up what the corrections took back. */
class Taken {
  readonly #sums = { requests: 0n, tokens: 0n, images: 0n, cost: 0n, assumed: 0n };
  #events = 0;
  #kept = 0;
  #restored = 0;

  constructor(private readonly record: ImportRecord) {}

  add(outcome: OperationOutcome): void {
    if (outcome.op !== "correct") throw new Error(`a correction was answered as ${outcome.op}`);
    const { status, event } = outcome;
    if (status === "kept") this.#kept += 1;
    if (status !== "corrected" || event === null) return;
    if (event.status === UNDONE) this.#events += 1;
    else this.#restored += 1;
    this.#sums.requests -= BigInt(event.requests);
    this.#sums.tokens -= BigInt(totalTokens(event));
    this.#sums.images -= BigInt(event.images);
    this.#sums.cost -= BigInt(event.cost);
    this.#sums.assumed -= BigInt(event.assumed);
  }

  result(): Omit<UndoneImport, "metSince"> {
    const { events, kept, restored } = { events: this.#events, kept: this.#kept, restored: this.#restored };
    return { import: this.record, events, kept, restored, ...this.#sums };
  }
}
