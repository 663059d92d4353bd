import { type Calendar, calendar } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Deed, type Engine } from "./engine.js";
import { type Job, type KeepLease, leaveGap, underLease } from "./lease.js";
import { Mending } from "./mending.js";
import type { UserShare } from "./ports/ledger.js";
import type { Progress, Reading, Writing } from "./ports.js";
import { type DifferingTotal, MOST_SUMS, sharesOf, TotalComparison } from "./total-comparison.js";
import {
  compareGuardrails,
  compareSealed,
  Differences,
  type TotalDifference,
  type Verification,
  verifyTotals,
} from "./verify.js";

export interface RebuildOptions extends ChangeOptions {
  /** Stops after the slice in hand; what was mended stays. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  readonly sumsAtOnce?: number;
}

/** What was compared, and the differences that were mended. */
export interface Rebuilt extends Verification {
  /** The first thousand differences of sealed months, of which nothing is left to mend them from. */
  readonly lost: readonly TotalDifference[];
}

/** Whatever changes the ledger or its totals as a whole runs alone. */
export const LEDGER_JOB: Job = { name: "ledger", called: "another rebuild, prune or move" };

/** Totals mended in one transaction, short enough for a call that wants the lock in between. */
const SLICE = 500;

/**
 * Mends every total that is not what the ledger adds up to. Compares on snapshots, while others write: whoever meters
 * moves a total and the ledger by the same, so that a difference is still the same when it is added.
 * @throws AlphaError `busy` while another rebuild, prune or move runs, `interrupted`
 */
export async function rebuildTotals(engine: Engine, options: RebuildOptions = {}): Promise<Rebuilt> {
  if (options.dryRun === true) return wouldRebuild(await verifyTotals(engine, options));
  return underLease(engine, LEDGER_JOB, (keep) => new Rebuild(engine, keep, options).run());
}

function wouldRebuild({ differences, differenceCount, ...rest }: Verification): Rebuilt {
  const sealed = differences.filter(({ total }) => total === "sealed");
  const unproven = new Set(sealed.map(({ window }) => window));
  const isLost = ({ total, window }: TotalDifference) =>
    total === "sealed" || (total === "window" && unproven.has(window.slice(0, "2026-11".length)));
  const lost = differences.filter(isLost);
  return {
    ...rest,
    differences: differences.filter((difference) => !isLost(difference)),
    differenceCount: differenceCount - lost.length,
    lost,
  };
}

class Rebuild {
  readonly #mended = new Differences();
  readonly #lost = new Differences();
  /** Sealed months whose daily totals are not what was kept of them, so that nothing can be mended by these. */
  readonly #unproven = new Set<number>();
  readonly #compared = { rows: 0, windows: 0, days: 0 };

  constructor(
    private readonly engine: Engine,
    private readonly keep: KeepLease,
    private readonly options: RebuildOptions,
  ) {}

  async run(): Promise<Rebuilt> {
    const { sumsAtOnce = MOST_SUMS } = this.options;
    const shares = await this.engine.store.read(async (tx) => {
      await this.#proveSealed(tx);
      return sharesOf(tx, sumsAtOnce);
    });
    for (const share of shares) {
      await this.#mend(await this.#compare(share));
    }
    return this.#finish();
  }

  async #proveSealed(tx: Reading): Promise<void> {
    for (const month of await tx.sealing.months()) {
      const before = this.#lost.count;
      compareSealed(month, await tx.sealing.sums(month.month), this.#lost);
      if (this.#lost.count > before) this.#unproven.add(month.month);
    }
  }

  #compare(share: UserShare): Promise<Mending> {
    return this.engine.store.read(async (tx) => {
      const zone = calendar((await tx.settings.current()).time_zone);
      const mending = new Mending();
      const comparison = await TotalComparison.on(tx, zone, {
        signal: this.options.signal,
        progress: this.options.progress,
        differs: async (total) => {
          const month = monthOf(total, zone);
          if (total.total === "window" && this.#unproven.has(month)) return this.#lost.add(tx, total);
          mending.add(total);
          return this.#mended.add(tx, total);
        },
      });
      await comparison.compare(share);
      for (const key of ["rows", "windows", "days"] as const) this.#compared[key] += comparison.counts[key];
      return mending;
    });
  }

  /** Mends what one share of the users needs; the first transaction writes the audit entry for all of it. */
  async #mend(mending: Mending): Promise<void> {
    let isAudited = false;
    for (const slice of mending.slices(SLICE)) {
      if (this.options.signal?.aborted === true) {
        throw new AlphaError("interrupted", "interrupted before every total was mended", {
          hint: "what was mended stays so; the same command goes on with the rest",
        });
      }
      await this.engine.store.write(async (tx) => {
        await this.keep(tx);
        if (!isAudited) await this.#audit(tx, mending.differences);
        await tx.totals.addToDays(slice.days);
        await tx.totals.addToWindows(slice.windows);
      });
      isAudited = true;
      await leaveGap();
    }
  }

  /** Guardrails follow from the windows of users, which are right by now. */
  #finish(): Promise<Rebuilt> {
    return this.engine.store.write(async (tx) => {
      await this.keep(tx);
      const system = new Map(
        (await tx.totals.systemWindows()).map((window) => [`${window.period}/${window.index}`, window]),
      );
      const { count, differing } = await compareGuardrails(
        tx,
        ({ meter, period }, index) => system.get(`${period}/${index}`)?.[meter] ?? 0n,
        this.#mended,
      );
      if (differing.length > 0) await this.#audit(tx, differing.length);
      for (const { guardrail, index, used, computed } of differing) {
        await tx.totals.addToGuardrail(guardrail.id, index, computed - used);
      }
      return {
        ...this.#compared,
        guardrails: count,
        sealedMonths: (await tx.sealing.months()).length,
        differenceCount: this.#mended.count,
        differences: this.#mended.named,
        lost: this.#lost.named,
      };
    });
  }

  async #audit(tx: Writing, differences: number): Promise<void> {
    const deed: Deed = { action: "db.rebuild", subject: "database:totals", after: { differences } };
    await audit(this.engine, tx, this.engine.now(), deed);
  }
}

function monthOf(total: DifferingTotal, zone: Calendar): number {
  if (total.total === "day") return zone.dayToMonth(total.day);
  return total.period === "month" ? total.index : zone.dayToMonth(total.index);
}
