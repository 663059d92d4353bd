import { listEvents } from "../../../engine/usage-events.js";
import { AlphaError } from "../../../errors.js";
import { eventJson, eventsTable } from "../../../render/views/events.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount } from "../../values.js";

const DEFAULT_LIMIT = 50;
const MOST = 100_000;

interface Options {
  readonly user?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly feature?: string;
  readonly since?: string;
  readonly until?: string;
  readonly unpriced?: boolean;
  readonly limit?: string;
  readonly before?: string;
}

export default async function events(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { user, provider, model, feature, since, until, unpriced } = options;
  const limit = options.limit === undefined ? DEFAULT_LIMIT : parseCount("--limit", options.limit);
  if (limit < 1 || limit > MOST) {
    throw new AlphaError("usage", `--limit must be 1 to ${MOST}, not ${limit}`, {
      hint: "the next page is what --before lists",
    });
  }
  const page = await listEvents(await context.engine(), {
    limit,
    ...(user === undefined ? {} : { user }),
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...(feature === undefined ? {} : { feature }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(unpriced === undefined ? {} : { unpriced }),
    ...(options.before === undefined ? {} : { before: parseCount("--before", options.before) }),
  });
  context.show({
    kind: "usage-events",
    data: page.events.map(eventJson),
    meta: { count: page.events.length, next_before: page.nextBefore },
    table: eventsTable(page.events, context.width === null ? null : page.timeZone),
  });
  if (page.nextBefore !== null && context.format !== "json") {
    context.note(`There is more; the next page: the same command with --before ${page.nextBefore}`);
  }
}
