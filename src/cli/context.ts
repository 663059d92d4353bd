import type { Engine } from "../engine/engine.js";
import type { Progress } from "../engine/ports.js";
import { AlphaError } from "../errors.js";
import { shouldColor } from "../render/color.js";
import { envelope } from "../render/json.js";
import { render, type TableFormat } from "../render/render.js";
import { createStyle, type Style } from "../render/style.js";
import type { Table } from "../render/table.js";
import { type Config, loadConfig } from "./config.js";
import { EXIT } from "./exit-codes.js";
import type { Io } from "./io.js";

/** Options that every command has. */
export interface CommonOptions {
  readonly database?: string;
  readonly format?: "table" | "json" | "csv" | "markdown";
  readonly json?: boolean;
  readonly color?: boolean;
  readonly input?: boolean;
  readonly debug?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** What a command found or did: `data` for programs, `table` or `text` for people. */
export interface View<Row = never> {
  readonly kind: string;
  readonly data: unknown;
  readonly meta?: Record<string, unknown>;
  /** Several are printed one under the other; only the first goes into CSV and Markdown. */
  readonly table?: Table<Row>;
  /** Given the style and the width; ends with a newline. Printed instead of the table on `--format table`. */
  readonly text?: (style: Style, width: number | null) => string;
}

/** What a command is given. The engine is opened when first asked for, and closed once, whatever happens. */
export class Context {
  readonly format: TableFormat | "json";
  readonly style: Style;
  /** Style for what goes to stderr. */
  readonly errorStyle: Style;
  /** Columns of the terminal that stdout is; `null` off a terminal. */
  readonly width: number | null;
  readonly config: Config;
  readonly dryRun: boolean;
  exitCode: number = EXIT.done;
  #engine: Promise<Engine> | null = null;

  constructor(
    readonly io: Io,
    readonly options: CommonOptions,
  ) {
    this.format = options.json === true ? "json" : (options.format ?? "table");
    const colorOf = (stream: Io["stdout"]) =>
      shouldColor({
        env: io.env,
        isTTY: stream.isTTY === true,
        ...(options.color === undefined ? {} : { flag: options.color }),
      });
    this.style = createStyle({ color: colorOf(io.stdout) });
    this.errorStyle = createStyle({ color: colorOf(io.stderr) });
    this.width = io.stdout.isTTY === true ? io.stdout.columns || 80 : null;
    this.config = loadConfig(options, io.env);
    this.dryRun = options.dryRun === true;
  }

  /** Whether there is somebody to ask. */
  get interactive(): boolean {
    return this.io.stdin.isTTY === true && this.io.stdout.isTTY === true && this.options.input !== false;
  }

  engine(): Promise<Engine> {
    this.#engine ??= import("./open-engine.js").then(({ openEngine }) =>
      openEngine(this.config, this.io.now),
    );
    return this.#engine;
  }

  /** Prints what a command found, in the format that was asked for. */
  show<Row>(view: View<Row>): void {
    this.io.stdout.write(this.#rendered(view));
  }

  /** Prints what a command changed, and on stderr in which database. */
  changed<Row>(view: View<Row>): void {
    const meta = { ...view.meta, database: this.config.database, dry_run: this.dryRun };
    this.show({ ...view, meta });
    if (this.format === "json") return;
    const tried = this.dryRun ? "dry run, nothing was changed in" : "in";
    this.note(this.errorStyle.muted(`${tried} ${this.config.database}`));
  }

  /** Says something on stderr that is no data. */
  note(text: string): void {
    this.io.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`${this.errorStyle.warn("warning:")} ${text}`);
  }

  /**
   * Asks before something that cannot be undone.
   * @throws AlphaError `usage` off a terminal without `--yes`; `interrupted` when the answer is no
   */
  async confirm(question: string): Promise<void> {
    if (this.options.yes === true || this.dryRun) return;
    if (!this.interactive) {
      throw new AlphaError("usage", `${question} There is nobody to ask here`, {
        hint: "add --yes to go ahead",
      });
    }
    const { confirm } = await import("./prompts.js");
    if (!(await confirm(question, this.io))) throw new AlphaError("interrupted", "nothing was changed");
  }

  /** Progress of a long task: a bar on a terminal, a line a minute elsewhere. */
  async progress(what: string): Promise<Progress & { end(): void }> {
    const { createProgress } = await import("./progress.js");
    return createProgress(what, this.io, this.options);
  }

  async close(): Promise<void> {
    if (this.#engine === null) return;
    const engine = await this.#engine.catch(() => null);
    await engine?.store.close();
  }

  #rendered<Row>(view: View<Row>): string {
    if (this.format === "json") return envelope(view.kind, view.data, view.meta ?? {});
    if (view.text !== undefined && (this.format === "table" || view.table === undefined)) {
      return view.text(this.style, this.width);
    }
    if (view.table === undefined) return "";
    return render(view.table, this.format, { width: this.width, style: this.style });
  }
}
