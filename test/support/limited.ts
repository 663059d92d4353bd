import { spawn } from "node:child_process";
import { BIN_PATH, type Finished, type Home } from "./cli.js";

export interface Limits {
  /** The most bytes that a file may grow to, as on a disk that is full. */
  readonly fileBytes?: number;
  /** Without the rights of root, who may write everywhere. */
  readonly nobody?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
}

/** Who owns nothing here; the tests themselves may run as root. */
export const NOBODY = 65_534;
export const isRoot = process.getuid?.() === 0;

const LIMITER =
  "import os, resource, sys; n = int(sys.argv[1]); resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)); os.execv(sys.argv[2], sys.argv[2:])";

/** Runs the built `alpha` of a home with less than a test may do itself. */
export function runLimited(home: Home, args: readonly string[], limits: Limits): Promise<Finished> {
  const { fileBytes, nobody = false, env, cwd = home.path, input = "" } = limits;
  const alpha = [process.execPath, BIN_PATH, ...args];
  const [command = "", ...rest] =
    fileBytes === undefined ? alpha : ["python3", "-I", "-c", LIMITER, String(fileBytes), ...alpha];
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      cwd,
      env: { ...home.env, ...env },
      ...(nobody && isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
