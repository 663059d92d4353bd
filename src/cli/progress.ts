import type { Progress } from "../engine/ports.js";
import { count } from "../render/text.js";
import type { CommonOptions } from "./context.js";
import type { Io } from "./io.js";

const REDRAW_MS = 100;
const LINE_MS = 60_000;

/** A progress bar on a terminal; elsewhere a line a minute, so that a log of a long import shows that it lives. */
export async function createProgress(
  what: string,
  io: Io,
  options: CommonOptions,
): Promise<Progress & { end(): void }> {
  if (options.json === true || options.format === "json") return { report() {}, end() {} };
  return io.stderr.isTTY === true ? bar(what, io) : lines(what, io);
}

async function bar(what: string, io: Io): Promise<Progress & { end(): void }> {
  const { SingleBar } = (await import("cli-progress")).default;
  const drawn = new SingleBar({
    stream: io.stderr as NodeJS.WritableStream,
    format: `${what} {bar} {percent}  {records} records, {rate}/s, {left}{rejected}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 20,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    linewrap: false,
    formatValue: (value, _options, type) => (type === "percentage" ? `${value}%` : String(value)),
  });
  const began = performance.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let started = false;
  return {
    report({ done, total, records, rejected }) {
      const now = performance.now();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      const seconds = Math.max((now - began) / 1000, 0.001);
      const left =
        total === null || done === 0 ? "" : `${Math.ceil((seconds * (total - done)) / done)} s left`;
      const payload = {
        percent: total === null ? "" : `${Math.floor((100 * done) / Math.max(total, 1))}%`,
        records: count(records),
        rate: count(Math.round(records / seconds)),
        left,
        rejected: rejected > 0 ? `, ${count(rejected)} rejected` : "",
      };
      if (started) drawn.update(done, payload);
      else drawn.start(total ?? done, done, payload);
      started = true;
    },
    end() {
      if (started) drawn.stop();
    },
  };
}

function lines(what: string, io: Io): Progress & { end(): void } {
  let printedAt = performance.now();
  return {
    report({ done, total, records, rejected }) {
      const now = performance.now();
      if (now - printedAt < LINE_MS) return;
      printedAt = now;
      const share = total === null ? "" : ` (${Math.floor((100 * done) / Math.max(total, 1))}%)`;
      io.stderr.write(`${what}${share}: ${count(records)} records, ${count(rejected)} rejected\n`);
    },
    end() {},
  };
}
