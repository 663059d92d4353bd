import { formatDuration } from "../../../domain/window.js";
import { type SystemStatus, systemStatus } from "../../../engine/status.js";
import { AlphaError } from "../../../errors.js";
import { sanitize } from "../../../render/sanitize.js";
import { statusText } from "../../../render/views/status.js";
import { STATUS_SORTS, type StatusSort } from "../../../render/views/status-view.js";
import { shorten } from "../../../render/width.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import { Bell } from "./bell.js";
import { Screen } from "./screen.js";

interface Watch {
  readonly intervalMs: number;
  readonly sort: StatusSort;
}

const CTRL_C = "\u0003";
/** How many testers are shown however low the terminal is. */
const LEAST_USER_ROWS = 3;

/** Shows the status in place until somebody quits. What cannot be read for a while is tried again. */
export async function watchStatus(context: Context, { intervalMs, sort: first }: Watch): Promise<void> {
  const { io } = context;
  const engine = await context.engine();
  // Before the screen is taken: what is wrong from the beginning is told as every command tells it.
  let status = await systemStatus(engine);
  let problem: string | null = null;
  let sort = first;
  let isPaused = false;
  let ends: number | null = null;
  const bell = new Bell();
  const end = (code: number) => {
    ends ??= code;
    bell.ring();
  };
  const screen = new Screen(io, {
    key: (key) => {
      if (key === "q") end(EXIT.done);
      if (key === CTRL_C) end(EXIT.interrupted);
      if (key === "s") sort = next(sort);
      if (key === "p") isPaused = !isPaused;
      bell.ring();
    },
    resized: () => bell.ring(),
  });
  const interrupted = () => end(EXIT.interrupted);
  io.signal.addEventListener("abort", interrupted);
  try {
    screen.open();
    let due = performance.now() + intervalMs;
    while (ends === null && !io.signal.aborted) {
      screen.draw(frame(context, screen.size, status, { sort, isPaused, intervalMs, problem }));
      await bell.wait(isPaused ? null : Math.max(0, due - performance.now()));
      if (ends !== null || isPaused || performance.now() < due) continue;
      try {
        status = await systemStatus(engine);
        problem = null;
      } catch (error) {
        problem = passing(error);
      }
      due = performance.now() + intervalMs;
    }
  } finally {
    io.signal.removeEventListener("abort", interrupted);
    screen.close();
  }
  context.exitCode = ends ?? EXIT.interrupted;
}

function next(sort: StatusSort): StatusSort {
  return STATUS_SORTS[(STATUS_SORTS.indexOf(sort) + 1) % STATUS_SORTS.length] as StatusSort;
}

/** What may pass, such as a server that is started again; anything else is thrown on. */
function passing(error: unknown): string {
  if (error instanceof AlphaError && (error.code === "database" || error.code === "busy"))
    return error.message;
  throw error;
}

interface Footer extends Watch {
  readonly isPaused: boolean;
  readonly problem: string | null;
}

/** The lines of a screen: as many testers as there is room for, and the keys at its foot. */
function frame(
  { style, config: { database } }: Context,
  { columns, rows }: Screen["size"],
  status: SystemStatus,
  footer: Footer,
): string[] {
  const { sort } = footer;
  const linesWith = (userRows: number) =>
    statusText(status, { style, width: columns, database, sort, userRows }).trimEnd().split("\n");
  const room = rows - 1;
  const spare = room - linesWith(LEAST_USER_ROWS).length;
  let lines = linesWith(LEAST_USER_ROWS + Math.max(0, spare));
  // On a low terminal the gaps go first, and then what is least of all.
  if (lines.length > room) lines = lines.filter((line) => line !== "");
  if (lines.length > room)
    lines = [...lines.slice(0, room - 1), style.muted("… and more on a higher terminal")];
  const filled = [...lines, ...Array.from({ length: room - lines.length }, () => "")];
  const keys = shorten(keysText(footer), columns, "…");
  return [...filled, footer.problem === null ? style.muted(keys) : style.bad(keys)];
}

function keysText({ sort, isPaused, intervalMs, problem }: Footer): string {
  if (problem !== null) return sanitize(`q quit   trying again: ${problem}`);
  const pace = isPaused ? "paused: p goes on" : `p pause   every ${formatDuration(intervalMs)}`;
  return `q quit   s sort (by ${sort})   ${pace}`;
}
