import { stripVTControlCharacters } from "node:util";
import type { Io } from "../../io.js";

const ESC = "\u001b[";
/** The alternate screen, so that what was on the terminal comes back; no cursor; no line runs over into the next one. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
/** Before a line, since behind one that fills its row it would take the last character. */
const CLEAR_LINE = `${ESC}2K`;

const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** What somebody who looks at the screen can do. */
export interface ScreenEvents {
  /** One character that was typed. Keys that send several, such as arrows, are left out. */
  readonly key: (key: string) => void;
  readonly resized: () => void;
}

/** A terminal that is drawn on in place. Left by whatever way the process ends, it is as it was before. */
export class Screen {
  #drawn: readonly string[] = [];
  #isOpen = false;
  readonly #leave = () => this.close();
  readonly #typed: (chunk: Buffer | string) => void;
  readonly #resized: () => void;

  constructor(
    private readonly io: Pick<Io, "stdin" | "stdout">,
    events: ScreenEvents,
  ) {
    this.#typed = (chunk) => {
      for (const key of stripVTControlCharacters(String(chunk))) events.key(key);
    };
    this.#resized = () => {
      // Terminals move what stands on them when they are resized, each in its own way.
      this.#drawn = [];
      io.stdout.write(`${ESC}2J`);
      events.resized();
    };
  }

  get size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.io.stdout;
    return { columns: columns ?? DEFAULT_SIZE.columns, rows: rows ?? DEFAULT_SIZE.rows };
  }

  open(): void {
    const { stdin, stdout } = this.io;
    this.#isOpen = true;
    process.once("exit", this.#leave);
    stdout.write(ENTER);
    stdout.on("resize", this.#resized);
    if (stdin.isTTY !== true) return;
    stdin.setRawMode?.(true);
    stdin.on("data", this.#typed);
    stdin.resume();
  }

  /** Shows lines from the top; those that stand there already are not sent again. */
  draw(lines: readonly string[]): void {
    let sent = "";
    const last = Math.max(lines.length, this.#drawn.length);
    for (let row = 0; row < last; row += 1) {
      const line = lines[row] ?? "";
      if (line !== this.#drawn[row]) sent += `${ESC}${row + 1};1H${CLEAR_LINE}${line}`;
    }
    this.#drawn = lines;
    if (sent !== "") this.io.stdout.write(sent);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { stdin, stdout } = this.io;
    process.off("exit", this.#leave);
    stdout.off("resize", this.#resized);
    if (stdin.isTTY === true) {
      stdin.off("data", this.#typed);
      stdin.setRawMode?.(false);
      stdin.pause();
    }
    stdout.write(LEAVE);
  }
}
