import { VERSION } from "../version.js";
import { EXIT } from "./exit-codes.js";
import type { Io } from "./io.js";

/** What the shells' completion scripts call. */
const COMPLETE = "__complete";

/** The process as `main` needs it. */
type Process = Pick<NodeJS.Process, "argv" | "env" | "stdin" | "stdout" | "stderr" | "once" | "exit">;

/** Runs the command line of a process. */
export async function main(process: Process): Promise<number> {
  const interrupt = new AbortController();
  const io: Io = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
    signal: interrupt.signal,
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      interrupt.abort();
      // Whoever asks twice does not want to wait for a clean end.
      process.once(signal, () => process.exit(EXIT.interrupted));
    });
  }
  // A reader that has seen enough (`| head`) is no error, and what was begun is done to its end all the same.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    });
  }
  const argv = process.argv.slice(2);
  // Scripts ask for it all the time, and it needs nothing of what a command needs.
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    io.stdout.write(`${VERSION}\n`);
    return EXIT.done;
  }
  // Asked by the shell at each press of a key, and no command that a person gives.
  if (argv[0] === COMPLETE) {
    const { complete } = await import("./commands/completion/complete.js");
    return complete(argv.slice(1), io);
  }
  // What nearly every command needs is read from disk while the command tree is.
  if (!argv.includes("--help") && !argv.includes("-h")) {
    await Promise.all([import("./run-command.js"), import("./context.js"), import("./open-engine.js")]);
  }
  const { run } = await import("./run-command.js");
  return run(argv, io);
}
