import { describe, expect, it } from "vitest";
import { parseMapping } from "../../src/importers/mapping.js";
import { IMPORTERS } from "../../src/importers/registry.js";
import { rejectLine } from "../../src/importers/rejects.js";
import type { UsageEntry } from "../../src/input/read-usage.js";
import { formatOf, LOGS, pathOf } from "../importers/fixtures.js";
import { collect, line, readAll } from "./reading.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const TIME = "2026-11-20T10:00:00Z";

const OPENAI = {
  ...{ timestamp: TIME, user: "ada", provider: "openai" },
  response: {
    ...{ id: "resp_1", object: "response", status: "completed", created_at: 1_795_000_000, model: "gpt-4o" },
    usage: {
      ...{ input_tokens: 1000, input_tokens_details: { cached_tokens: 800 } },
      ...{ output_tokens: 100, total_tokens: 1100 },
    },
  },
};
const CLAUDE = {
  ...{ timestamp: TIME, user: "ada", provider: "anthropic" },
  response: {
    ...{ id: "msg_1", type: "message", model: "claude-sonnet-4-20250514" },
    usage: {
      ...{ input_tokens: 10, cache_creation_input_tokens: 1000, cache_read_input_tokens: 40_000 },
      output_tokens: 100,
    },
  },
};

const textOf = (...records: unknown[]) => records.map((record) => JSON.stringify(record)).join("\n");

/** What tells whether a record was read right, its line apart. */
function readingOf({ draft, format, source, id, hasOwnId, supersedes }: UsageEntry) {
  return { draft, format, source, id, hasOwnId, supersedes };
}

const tokens = ({ format, source, draft }: UsageEntry) => [
  ...[format, source],
  ...[draft.input, draft.cacheRead, draft.cacheWrite, draft.output],
];

describe("a log of two formats", () => {
  const OF_OPENAI = ["openai-response", "openai-response", 200, 800, 0, 100];
  const OF_ANTHROPIC = ["anthropic-response", "anthropic-response", 10, 40_000, 1000, 100];

  it("has rows of Anthropic's batches without a message, and errors of its API", async () => {
    const at = { timestamp: TIME, user: "ada" };
    const error = { type: "error", error: { type: "overloaded_error", message: "…" } };
    const { entries, rejects, batches } = await readAll(
      textOf(
        OPENAI,
        { ...at, custom_id: "a", result: { type: "errored", error } },
        { custom_id: "b", result: { type: "expired" } },
        { custom_id: "c", result: { type: "canceled" } },
        { ...at, ...error, request_id: "req_1" },
        { ...at, response: error },
        { ...at, type: "error", error: { type: "invalid_request_error", code: "no", message: "…" } },
      ),
    );
    expect(rejects).toEqual([]);
    expect(entries.map(({ format, draft }) => [format, draft.provider, draft.status])).toEqual([
      ["openai-response", "openai", "ok"],
      ["anthropic-response", "anthropic", "overloaded_error"],
      ["anthropic-response", "anthropic", "overloaded_error"],
      ["anthropic-response", "anthropic", "overloaded_error"],
      ["openai-response", "openai", "no"],
    ]);
    expect(batches.flatMap(({ skipped }) => skipped)).toHaveLength(2);
  });

  it("is read in both, whichever tells the format of the file", async () => {
    const { entries, batches } = await readAll(textOf(OPENAI, CLAUDE));
    expect(entries.map(tokens)).toEqual([OF_OPENAI, OF_ANTHROPIC]);
    expect(batches.at(-1)?.format).toBe("openai-response");
    const many = Array.from({ length: 100 }, (_, i) => ({
      ...CLAUDE,
      response: { ...CLAUDE.response, id: `msg_${i}` },
    }));
    const late = await readAll(textOf(...many, OPENAI));
    expect(late.batches.at(-1)?.format).toBe("anthropic-response");
    expect(late.entries.map(tokens)).toEqual([...many.map(() => OF_ANTHROPIC), OF_OPENAI]);
  });

  it("may be one of them native", async () => {
    const native = { timestamp: TIME, user: "ada", input_tokens: 7, cached_input_tokens: 3 };
    const { entries } = await readAll(textOf(CLAUDE, native));
    expect(entries.map(tokens)).toEqual([OF_ANTHROPIC, ["alpha", "raw", 7, 3, 0, 0]]);
  });

  it("takes constants in both", async () => {
    const mapping = parseMapping([], ["feature=chat"]);
    const { entries } = await readAll(textOf(OPENAI, CLAUDE), { mapping });
    expect(entries.map(({ draft }) => draft.feature)).toEqual(["chat", "chat"]);
    expect(entries.map(tokens)).toEqual([OF_OPENAI, OF_ANTHROPIC]);
  });

  it.each([
    ["openai-response", OF_OPENAI, "anthropic-response"],
    ["anthropic-response", OF_ANTHROPIC, "openai-response"],
  ])("has only records of %s where that is named", async (format, own, other) => {
    const { entries, rejects } = await readAll(textOf(OPENAI, CLAUDE), { format });
    expect(entries.map(tokens)).toEqual([own]);
    const reason = `is of the format ${other}, and not ${format}: import it with --format ${other}, or leave --format out`;
    expect(rejects).toEqual([expect.objectContaining({ field: null, reason, format: other })]);
  });

  it("is whatever the operator maps to the native format", async () => {
    const mapping = parseMapping(["input_tokens=response.usage.input_tokens"], []);
    for (const format of [undefined, "alpha"]) {
      const { entries, rejects } = await readAll(textOf(OPENAI, CLAUDE), { mapping, format });
      expect(entries.map(({ draft, format: read }) => [read, draft.input])).toEqual([
        ["alpha", 1000],
        ["alpha", 10],
      ]);
      expect(rejects).toEqual([]);
    }
  });
});

describe("rejects", () => {
  it("are read in the format that each came with", async () => {
    const failed = {
      timestamp: TIME,
      user: "zed",
      model: "claude-sonnet-4-20250514",
      error: { type: "overloaded" },
    };
    const readings = [await readAll(textOf(OPENAI)), await readAll(textOf(CLAUDE, failed))];
    const entries = readings.flatMap((reading) => reading.entries);
    const lines = entries.map(({ format, hasOwnId, id, record: { raw } }) => {
      const identity = hasOwnId ? null : id;
      return rejectLine({ file: "log", line: 1, field: "user", reason: "is unknown", identity, format, raw });
    });
    const again = await readAll(lines.join("\n"));
    expect(again.entries.map(readingOf)).toEqual(entries.map(readingOf));
    expect(again.entries.map(({ draft }) => draft.provider)).toEqual(["openai", "anthropic", "anthropic"]);
  });

  it("are read in a format that cannot be told from them, unless another is named", async () => {
    const raw = JSON.stringify({ timestamp: TIME, usage: { input_tokens: 5, output_tokens: 1 } });
    const envelope = { file: "log", line: 1, field: null, reason: "", identity: null };
    const log = rejectLine({ ...envelope, format: "anthropic-response", raw });
    expect((await readAll(log)).entries.map(({ format }) => format)).toEqual(["anthropic-response"]);
    const named = await readAll(log, { format: "openai-response" });
    expect(named.entries.map(({ format }) => format)).toEqual(["openai-response"]);
    const unknown = rejectLine({ ...envelope, format: "none", raw: line() });
    expect((await readAll(unknown)).entries.map(({ format }) => format)).toEqual(["alpha"]);
  });
});

describe("records that are recognisably of a format", async () => {
  const ofLog = async (log: string) => {
    const { entries } = await collect(pathOf(log), { now: NOW });
    const own = IMPORTERS.find(({ name }) => name === formatOf(log));
    const raws = entries.map(({ record }) => record.raw).filter((raw) => own?.detect(JSON.parse(raw)));
    return { log, format: formatOf(log), raws };
  };
  const logs = await Promise.all(LOGS.map(ofLog));
  const alone = new Map(
    await Promise.all(
      logs.map(async ({ log, raws }) => {
        const { entries } = await readAll(raws.join("\n"), { now: NOW });
        return [log, entries.map(readingOf)] as const;
      }),
    ),
  );

  it.each(logs)("are read in it wherever they stand: $log", async ({ log, format, raws }) => {
    expect(raws.length).toBeGreaterThan(0);
    for (const other of logs.filter((each) => each.format !== format)) {
      const { entries, rejects } = await readAll([...raws, ...other.raws].join("\n"), { now: NOW });
      expect(rejects).toEqual([]);
      expect(entries.map(readingOf)).toEqual([...(alone.get(log) ?? []), ...(alone.get(other.log) ?? [])]);
    }
  });

  it.each(logs)("are counted in no other that is named: $log", async ({ format, raws }) => {
    for (const { name } of IMPORTERS.filter((importer) => importer.name !== format)) {
      const { entries, rejects } = await readAll(raws.join("\n"), { now: NOW, format: name });
      expect([name, entries.length, rejects.length]).toEqual([name, 0, raws.length]);
    }
  });
});
