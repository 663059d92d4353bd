import { listAlerts, takeNewAlerts } from "../../../engine/alerts.js";
import { AlphaError } from "../../../errors.js";
import { alertJson, alertLines, alertsTable } from "../../../render/views/alerts.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount } from "../../values.js";

const DEFAULT_LIMIT = 50;
const MOST = 100_000;

interface Options {
  readonly new?: boolean;
  readonly user?: string;
  readonly limit?: string;
  readonly before?: string;
}

export default async function alerts(context: Context, { options }: Invocation<Options>): Promise<void> {
  if (options.new === true) return takeNew(context, options);
  const { user } = options;
  const limit = options.limit === undefined ? DEFAULT_LIMIT : parseCount("--limit", options.limit);
  if (limit < 1 || limit > MOST) {
    throw new AlphaError("usage", `--limit must be 1 to ${MOST}, not ${limit}`, {
      hint: "the next page is what --before lists",
    });
  }
  const found = await listAlerts(await context.engine(), {
    limit,
    ...(user === undefined ? {} : { user }),
    ...(options.before === undefined ? {} : { before: parseCount("--before", options.before) }),
  });
  context.show({
    kind: "alerts",
    data: found.alerts.map((alert) => alertJson(alert, found.settings)),
    meta: { count: found.alerts.length, next_before: found.nextBefore },
    table: alertsTable(
      found.alerts,
      found.settings,
      context.width === null ? null : found.settings.time_zone,
    ),
  });
  if (found.nextBefore !== null && context.format !== "json") {
    context.note(`There are more; the next page: the same command with --before ${found.nextBefore}`);
  }
}

async function takeNew(context: Context, options: Options): Promise<void> {
  const narrowing = (["user", "limit", "before"] as const).find((each) => options[each] !== undefined);
  if (narrowing !== undefined) {
    throw new AlphaError("usage", `--new prints everything that is new, and takes no --${narrowing}`, {
      hint: `leave one of them out; what was printed is listed still by: alpha alerts --${narrowing} …`,
    });
  }
  const { dryRun } = context;
  const { alerts: taken, settings } = await takeNewAlerts(await context.engine(), { dryRun });
  const local = context.width === null ? null : settings.time_zone;
  const view = {
    kind: "alerts",
    data: taken.map((alert) => alertJson(alert, settings)),
    meta: { count: taken.length, database: context.config.database, dry_run: dryRun },
    table: alertsTable(taken, settings, local),
    text: (style: Context["style"]) => alertLines(taken, settings, { local, style }),
  };
  // Cron mails whatever is printed, so with nothing new there is nothing; somebody who looks is told.
  if (taken.length > 0 || dryRun) context.changed(view);
  else if (context.format !== "table") context.show(view);
  else if (context.width !== null) context.note("Nothing new.");
}
