import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, onTestFinished } from "vitest";

// Below node_modules, so that what is not bundled is found from there.
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/alpha-test/", import.meta.url));

/** Starts a process of the bundled program, with what it is told on its command line. */
export type Spawn = (...args: string[]) => Child;

/** What a child process tells and leaves. */
export interface Child {
  readonly pid: number;
  /** The lines that it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line for which `wanted` holds; rejects when the process ends before. */
  line(wanted: (line: string) => boolean): Promise<string>;
  say(text: string): void;
  kill(): void;
  /** Resolves when the process has ended and all its output was read. */
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>;
}

/**
 * Bundles a program written in TypeScript, so that real processes can run it: Node runs no TypeScript by itself.
 * To be called once, in the body of a test file.
 */
export function program(entry: URL): { start: () => Promise<Spawn> } {
  let bundled: Promise<string> | undefined;
  let folder: string | undefined;
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  const bundle = async () => {
    mkdirSync(CACHE, { recursive: true });
    folder = mkdtempSync(join(CACHE, "program-"));
    const outfile = join(folder, "program.mjs");
    await build({
      entryPoints: [fileURLToPath(entry)],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["better-sqlite3", "@pydantic/genai-prices", "pg"],
      logLevel: "silent",
    });
    return outfile;
  };
  return {
    async start() {
      bundled ??= bundle();
      const outfile = await bundled;
      return (...args) =>
        watch(fork(outfile, args, { stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv: [] }));
    },
  };
}

function watch(child: ChildProcess): Child {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let rest = "";
  let errors = "";
  let over = false;
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    // A line that is not finished was not said.
    rest = parts.pop()!;
    lines.push(...parts);
    wake();
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => {
    child.once("close", (code) => {
      over = true;
      wake();
      resolve({ code, errors });
    });
  });
  const kill = () => {
    child.kill("SIGKILL");
  };
  onTestFinished(kill);
  return {
    pid: child.pid!,
    lines,
    ended,
    kill,
    // A child that has just been killed hears nothing; whoever waits for its answer is told by its end.
    say: (text) => void child.send(text, () => undefined),
    line: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(wanted);
          if (found === undefined && !over) return;
          waiting.delete(look);
          if (found === undefined) reject(new Error(`the process ended without saying it: ${errors}`));
          else resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
