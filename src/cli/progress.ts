import type { Progress } from "../engine/ports.js";
import { type ProgressView, progressBar, progressText } from "../render/progress.js";
import type { CommonOptions } from "./context.js";
import type { Io } from "./io.js";

const REDRAW_MS = 100;
const LINE_MS = 60_000;
const COLUMNS = 80;

/**
 * A progress bar on a terminal; elsewhere a line a minute, so that a log of a long import shows that it lives.
 * @param elapsed milliseconds since any instant; not the wall clock, which can be set back
 */
export async function createProgress(
  what: string,
  io: Io,
  options: CommonOptions,
  elapsed: () => number = () => performance.now(),
): Promise<Progress & { end(): void }> {
  if (options.json === true || options.format === "json") return { report() {}, end() {} };
  const began = elapsed();
  const every = (milliseconds: number, told: (view: ProgressView) => void, first: number) => {
    let next = began + first;
    return (state: Parameters<Progress["report"]>[0]) => {
      const now = elapsed();
      if (now < next) return;
      next = now + milliseconds;
      told({ what, ...state, seconds: (now - began) / 1000 });
    };
  };
  if (io.stderr.isTTY !== true) {
    const write = (view: ProgressView) => io.stderr.write(`${progressText(view)}\n`);
    return { report: every(LINE_MS, write, LINE_MS), end() {} };
  }
  const drawn = await createBar(io);
  return { report: every(REDRAW_MS, drawn.show, 0), end: drawn.end };
}

/** Draws over its own line, and takes it away at the end. */
async function createBar(io: Io): Promise<{ show(view: ProgressView): void; end(): void }> {
  const { SingleBar } = (await import("cli-progress")).default;
  const single = new SingleBar({
    stream: io.stderr as NodeJS.WritableStream,
    format: (_options, _params, { line }) => line,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    linewrap: false,
  });
  let started = false;
  return {
    show(view) {
      const payload = { line: progressBar(view, io.stderr.columns ?? COLUMNS) };
      if (started) single.update(view.done, payload);
      else single.start(view.total ?? view.done, view.done, payload);
      started = true;
    },
    end() {
      if (started) single.stop();
    },
  };
}
