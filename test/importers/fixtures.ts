import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { IMPORTERS } from "../../src/importers/registry.js";
import type { ReadOptions, UsageEntry } from "../../src/input/read-usage.js";
import { collect } from "../input/reading.js";

const FOLDER = fileURLToPath(new URL("../fixtures/logs/", import.meta.url));

export const LOGS: readonly string[] = readdirSync(FOLDER).sort();

export function pathOf(log: string): string {
  return `${FOLDER}${log}`;
}

/** The format that a log is named after: `openai-response.jsonl`, `alwrity-api.json`. */
export function formatOf(log: string): string {
  const names = IMPORTERS.map(({ name }) => name).filter((name) => log.startsWith(name));
  return names.sort((a, b) => b.length - a.length)[0] ?? "none";
}

/** What a log holds, in the short forms that expected results are written in. */
export async function readLog(log: string, options: Partial<ReadOptions> = {}) {
  const { batches, entries, rejects } = await collect(pathOf(log), options);
  return {
    format: batches.at(-1)?.format,
    entries,
    usage: entries.map(usageOf),
    calls: entries.map(callOf),
    rejects: rejects.map(({ line, field, reason }) => [line, field, reason]),
    skipped: batches.flatMap(({ skipped }) => skipped.map(({ reason }) => reason)),
  };
}

/** `[id, input, cache read, cache write, output, reasoning, images, cost in nanos]` */
function usageOf({ id, draft }: UsageEntry) {
  const { input, cacheRead, cacheWrite, output, reasoning, images, cost } = draft;
  return [id, input, cacheRead, cacheWrite, output, reasoning, images, cost];
}

/** `[id, user, provider, model, status, provider id]` */
function callOf({ id, draft: { user, provider, model, status, providerId } }: UsageEntry) {
  return [id, user, provider, model, status, providerId];
}
