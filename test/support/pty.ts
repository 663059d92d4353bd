import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { BIN_PATH, type Home } from "./cli.js";

const DRIVER = fileURLToPath(new URL("./pty.py", import.meta.url));

/** Keys, as a terminal sends them. */
export const KEY = { enter: "\r", ctrlC: "\x03", down: "\x1b[B", up: "\x1b[A" } as const;

/** Waits until `wait` was printed after what the step before waited for, then does what else it says. */
export interface Step {
  readonly wait?: string;
  /** Typed. */
  readonly send?: string;
  /** The number of a signal for whatever runs in the foreground. */
  readonly signal?: number;
  /** Columns and rows that the terminal has from then on. */
  readonly resize?: readonly [columns: number, rows: number];
  /** A command that runs meanwhile, outside of the terminal, to its end. */
  readonly run?: readonly string[];
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly steps?: readonly Step[];
  /** For everything, in milliseconds; whatever still runs then is killed. */
  readonly timeoutMs?: number;
}

export interface TerminalResult {
  /** Everything that the terminal was sent, colours and cursor movements included. */
  readonly raw: string;
  /** The same without them, and with plain line breaks. */
  readonly text: string;
  readonly code: number | null;
  readonly signal: number | null;
}

/** Runs a command in a real pseudo-terminal of 80 by 24 cells, or as said. Fails when a step is never reached. */
export function runInTerminal(
  command: readonly string[],
  options: TerminalOptions = {},
): Promise<TerminalResult> {
  const { columns = 80, rows = 24, steps = [], timeoutMs = 20_000 } = options;
  const spec = {
    command,
    columns,
    rows,
    steps,
    timeout: timeoutMs / 1000,
    cwd: options.cwd ?? process.cwd(),
    env: options.env ?? {},
  };
  return new Promise((resolve, reject) => {
    // -I: the folder of the script, whose name is that of a module it imports, is not searched.
    const driver = spawn("python3", ["-I", DRIVER], { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    driver.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    driver.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    driver.on("error", reject);
    driver.on("close", (code) => {
      if (code !== 0) return reject(new Error(`the terminal driver failed: ${err}`));
      const result = JSON.parse(out);
      const text = stripVTControlCharacters(result.output).replaceAll("\r\n", "\n");
      if (result.stuck !== null) {
        return reject(new Error(`"${result.stuck}" was never printed. What was:\n${text}`));
      }
      resolve({ raw: result.output, text, code: result.code, signal: result.signal });
    });
    driver.stdin.end(JSON.stringify(spec));
  });
}

/** Runs the built `alpha` of a home in a terminal. */
export function alphaInTerminal(
  home: Home,
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<TerminalResult> {
  return runInTerminal([process.execPath, BIN_PATH, ...args], {
    cwd: home.path,
    ...options,
    env: { ...home.env, TERM: "xterm-256color", ...options.env },
  });
}
