import { listAudit, showAudit } from "../../../engine/audit.js";
import { AlphaError } from "../../../errors.js";
import { auditedJson, auditedText, auditPageText, auditTable } from "../../../render/views/audit.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount } from "../../values.js";

const DEFAULT_LIMIT = 50;
const MOST = 100_000;

interface Options {
  readonly actor?: string;
  readonly subject?: string;
  readonly action?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly before?: string;
}

export default async function audit(context: Context, { args, options }: Invocation<Options>): Promise<void> {
  const [entry] = args as [string | undefined];
  return entry === undefined ? list(context, options) : show(context, entry, options);
}

async function list(context: Context, options: Options): Promise<void> {
  const { actor, subject, action, since, until } = options;
  const limit = options.limit === undefined ? DEFAULT_LIMIT : parseCount("--limit", options.limit);
  if (limit < 1 || limit > MOST) {
    throw new AlphaError("usage", `--limit must be 1 to ${MOST}, not ${limit}`, {
      hint: "the next page is what --before lists",
    });
  }
  const page = await listAudit(await context.engine(), {
    limit,
    ...(actor === undefined ? {} : { actor }),
    ...(subject === undefined ? {} : { subject }),
    ...(action === undefined ? {} : { action }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(options.before === undefined ? {} : { before: parseCount("--before", options.before) }),
  });
  const local = context.width === null ? null : page.timeZone;
  context.show({
    kind: "audit",
    data: page.changes.map(auditedJson),
    meta: { count: page.changes.length, next_before: page.nextBefore },
    table: auditTable(page.changes, local),
    text: (style, width) => auditPageText(page.changes, { local, style, width }),
  });
  if (page.nextBefore !== null && context.format !== "json") {
    context.note(`There is more; the next page: the same command with --before ${page.nextBefore}`);
  }
}

async function show(context: Context, entry: string, options: Options): Promise<void> {
  const filters = ["actor", "subject", "action", "since", "until", "limit", "before"] as const;
  const given = filters.find((filter) => options[filter] !== undefined);
  if (given !== undefined) {
    throw new AlphaError("usage", `one entry is one entry, so --${given} has nothing to say about it`, {
      hint: "leave out the option, or the number",
    });
  }
  const shown = await showAudit(await context.engine(), parseCount("the entry", entry));
  const local = context.width === null ? null : shown.timeZone;
  context.show({
    kind: "audit-entry",
    data: auditedJson(shown),
    table: auditTable([shown], local),
    text: (style, width) => auditedText(shown, { local, style, width }),
  });
}
