import type { Decision } from "../domain/decide.js";
import type { ColumnsEntered, ImportColumns } from "../domain/import-columns.js";
import type { LedgerRequest, Operation, OperationOutcome } from "../domain/ledger-model.js";
import type { PreviewMemory } from "../domain/ledger-preview.js";
import type { Settings } from "../domain/settings.js";
import type { Instant } from "../domain/window.js";
import type { LastSeen, MeterStore, Reading, Store, Writing } from "../engine/ports.js";
import { AlphaError } from "../errors.js";

/**
 * A store whose database could not be opened when it was asked for: each use tries once more, and fails as opening
 * does until it succeeds.
 */
export class StoreOpenedLater implements Store {
  readonly meter: MeterStore;
  #store: Store | null = null;
  #opening: Promise<Store> | null = null;
  #isClosed = false;

  constructor(
    readonly location: string,
    private readonly open: () => Promise<Store>,
  ) {
    this.meter = new MeterOpenedLater(
      () => this.#opened(),
      () => this.#store?.meter ?? null,
    );
  }

  async read<T>(work: (tx: Reading) => Promise<T>): Promise<T> {
    return (await this.#opened()).read(work);
  }

  async write<T>(work: (tx: Writing) => Promise<T>, options?: { readonly dryRun?: boolean }): Promise<T> {
    return (await this.#opened()).write(work, options);
  }

  async size(): Promise<number> {
    return (await this.#opened()).size();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const store = this.#store ?? (await this.#opening?.catch(() => null));
    await store?.close();
  }

  async #opened(): Promise<Store> {
    if (this.#store !== null) return this.#store;
    if (this.#isClosed) throw new AlphaError("database", `the database ${this.location} was closed`);
    this.#opening ??= this.open().finally(() => {
      this.#opening = null;
    });
    this.#store = await this.#opening;
    return this.#store;
  }
}

class MeterOpenedLater implements MeterStore {
  constructor(
    private readonly opened: () => Promise<Store>,
    private readonly present: () => MeterStore | null,
  ) {}

  async commit(
    operations: readonly Operation[],
    options?: { readonly background?: boolean },
  ): Promise<readonly OperationOutcome[]> {
    return (await this.opened()).meter.commit(operations, options);
  }

  async enterColumns(
    columns: ImportColumns,
    from: number,
    by: Parameters<MeterStore["enterColumns"]>[2],
  ): Promise<ColumnsEntered | null> {
    return (await this.opened()).meter.enterColumns(columns, from, by);
  }

  async preview(
    operations: readonly Operation[],
    memory?: PreviewMemory,
  ): Promise<readonly OperationOutcome[]> {
    return (await this.opened()).meter.preview(operations, memory);
  }

  check(user: string, request: LedgerRequest, at: Instant): Decision | Promise<Decision> {
    const meter = this.present();
    return meter === null
      ? this.opened().then((store) => store.meter.check(user, request, at))
      : meter.check(user, request, at);
  }

  async settings(): Promise<Settings> {
    return (await this.opened()).meter.settings();
  }

  lastSeen(user: string): LastSeen | null {
    return this.present()?.lastSeen(user) ?? null;
  }

  close(): void {
    this.present()?.close();
  }
}
