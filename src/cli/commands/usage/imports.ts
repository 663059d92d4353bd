import { listImports } from "../../../engine/imports.js";
import { AlphaError } from "../../../errors.js";
import { importRecordJson, importsTable } from "../../../render/views/imports.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount } from "../../values.js";

const DEFAULT_LIMIT = 50;
const MOST = 100_000;

interface Options {
  readonly limit?: string;
  readonly before?: string;
}

export default async function imports(context: Context, { options }: Invocation<Options>): Promise<void> {
  const limit = options.limit === undefined ? DEFAULT_LIMIT : parseCount("--limit", options.limit);
  if (limit < 1 || limit > MOST) {
    throw new AlphaError("usage", `--limit must be 1 to ${MOST}, not ${limit}`, {
      hint: "the next page is what --before lists",
    });
  }
  const page = await listImports(await context.engine(), {
    limit,
    ...(options.before === undefined ? {} : { before: parseCount("--before", options.before) }),
  });
  context.show({
    kind: "imports",
    data: page.imports.map(importRecordJson),
    meta: { count: page.imports.length, next_before: page.nextBefore },
    table: importsTable(page.imports, context.width === null ? null : page.timeZone),
  });
  if (page.nextBefore !== null && context.format !== "json") {
    context.note(`There is more; the next page: the same command with --before ${page.nextBefore}`);
  }
}
