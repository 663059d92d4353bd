import { systemStatus } from "../../../engine/status.js";
import { AlphaError } from "../../../errors.js";
import { statusText } from "../../../render/views/status.js";
import { statusJson } from "../../../render/views/status-json.js";
import { statusTable } from "../../../render/views/status-table.js";
import type { StatusSort } from "../../../render/views/status-view.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseSpan } from "../../values.js";

/** How many testers are shown once; whoever watches sees as many as the terminal has room for. */
const USER_ROWS = 5;

const DEFAULT_INTERVAL_MS = 2_000;
const SHORTEST_MS = 100;
const LONGEST_MS = 60 * 60_000;

interface Options {
  readonly watch?: boolean;
  readonly interval?: string;
  readonly sort?: StatusSort;
}

export default async function status(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { interval, sort = "cost" } = options;
  if (options.watch === true) {
    requireTerminal(context);
    const intervalMs = interval === undefined ? DEFAULT_INTERVAL_MS : requireInterval(interval);
    const { watchStatus } = await import("./watch.js");
    return watchStatus(context, { intervalMs, sort });
  }
  if (interval !== undefined) {
    throw new AlphaError("usage", "--interval says how often --watch draws, and --watch is not given");
  }
  const found = await systemStatus(await context.engine());
  const { database } = context.config;
  context.show({
    kind: "status",
    data: statusJson(found),
    meta: { database },
    table: statusTable(found, sort),
    text: (style, width) => statusText(found, { style, width, database, sort, userRows: USER_ROWS }),
  });
}

const FORMAT_NAMES = { json: "JSON", csv: "CSV", markdown: "Markdown" } as const;

function requireTerminal({ width, format }: Context): void {
  if (format !== "table") {
    throw new AlphaError("usage", `--watch draws a screen, and that is no ${FORMAT_NAMES[format]}`, {
      hint: `leave one of them out: alpha status --format ${format} prints everything once`,
    });
  }
  if (width !== null) return;
  throw new AlphaError("usage", "--watch draws on a terminal, and the output goes elsewhere", {
    hint: "leave it out to print the status once",
  });
}

function requireInterval(text: string): number {
  const ms = parseSpan("--interval", text);
  if (ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
  throw new AlphaError("usage", `--interval must be 100ms to 1h, not ${text}`);
}
