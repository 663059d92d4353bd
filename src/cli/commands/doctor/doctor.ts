import { examine } from "../../../engine/doctor.js";
import { doctorJson, doctorText, findingsTable } from "../../../render/views/doctor.js";
import { healthOf } from "../../../store/health.js";
import { inspectDatabase } from "../../../store/inspect.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import { COMMAND_WAIT_MS } from "../../open-engine.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly quick?: boolean;
  readonly strict?: boolean;
}

export default async function doctor(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { database, address } = context.config;
  const { quick = false, strict = false } = options;
  const place = { database: address, waitMs: COMMAND_WAIT_MS };
  const { findings, opened } = await examine(
    {
      inspect: () => inspectDatabase(place),
      look: healthOf(place),
      engine: () => context.engine(),
    },
    { quick, signal: context.io.signal },
  );
  const isWrong = findings.some(({ level }) => level === "problem" || (strict && level === "warning"));
  context.exitCode = !opened ? EXIT.config : isWrong ? EXIT.failed : EXIT.done;
  context.show({
    kind: "doctor",
    data: doctorJson(findings),
    meta: { database, quick },
    table: findingsTable(findings),
    text: (style, width) => doctorText(findings, { style, width, database }),
  });
}
