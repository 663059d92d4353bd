import { expect, it } from "vitest";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { importRecordJson, importsTable, undoneJson, undoneText } from "../../../src/render/views/imports.js";

const AT = Date.UTC(2026, 10, 22, 12, 0, 5);
const style = createStyle({ color: false });

const complete = {
  number: 12,
  startedAt: AT,
  finishedAt: AT + 1_000,
  undoneAt: null,
  isHalfUndone: false,
  actor: "olga",
  file: "logs/agents/2026-11/session-7f3a.jsonl",
  format: "claude-code",
  inserted: 1_234,
  superseded: 56,
  duplicate: 7,
  rejected: 0,
  skipped: 3,
};
const incomplete = { ...complete, number: 11, finishedAt: null, format: null, file: "stdin" };
const undone = { ...complete, number: 10, undoneAt: AT + 2_000, superseded: 0, skipped: 0 };
const IMPORTS = [complete, incomplete, undone];

it("fits 80 columns", () => {
  const text = render(importsTable(IMPORTS, "Europe/Berlin"), "table", { width: 80, style });
  expect(text).toMatchInlineSnapshot(`
    "NUMBER  FILE                          INSERTED  DUPLICATES  REJECTED  STATE
        12  logs/agents/2026-11/session…     1,234           7         0  complete
        11  stdin                            1,234           7         0  incomplete
        10  logs/agents/2026-11/session…     1,234           7         0  undone
    hidden at this width: TIME, FORMAT, BY, SUPERSEDED, SKIPPED (widen the terminal,
    or use --format csv)

    Times are in Europe/Berlin.
    incomplete: stopped before its end, or still running. The same import again goes
    on with it.
    "
  `);
});

it("leaves nothing out off a terminal", () => {
  const text = render(importsTable(IMPORTS, null), "table", { width: null, style });
  expect(text).toMatchInlineSnapshot(`
    "NUMBER  TIME                  FILE                                    FORMAT       BY    INSERTED  SUPERSEDED  DUPLICATES  REJECTED  SKIPPED  STATE
        12  2026-11-22T12:00:05Z  logs/agents/2026-11/session-7f3a.jsonl  claude-code  olga     1,234          56           7         0        3  complete
        11  2026-11-22T12:00:05Z  stdin                                   -            olga     1,234          56           7         0        3  incomplete
        10  2026-11-22T12:00:05Z  logs/agents/2026-11/session-7f3a.jsonl  claude-code  olga     1,234           0           7         0        0  undone

    incomplete: stopped before its end, or still running. The same import again goes on with it.
    "
  `);
});

it("says that there is none", () => {
  expect(render(importsTable([], null), "table", { width: null, style })).toBe("Nothing was imported yet.\n");
});

it("says of a killed import only what is known, and that undoing one was not done", () => {
  const unknown = { superseded: null, duplicate: null, rejected: null, skipped: null };
  const killed = [
    { ...incomplete, ...unknown },
    { ...complete, isHalfUndone: true },
  ];
  expect(render(importsTable(killed, null), "table", { width: 80, style })).toMatchInlineSnapshot(`
    "NUMBER  FILE                         INSERTED  DUPLICATES  REJECTED  STATE
        11  stdin                           1,234           -         -  incomplete
        12  logs/agents/2026-11/sessio…     1,234           7         0  half-undone
    hidden at this width: TIME, FORMAT, BY, SUPERSEDED, SKIPPED (widen the terminal,
    or use --format csv)

    incomplete: stopped before its end, or still running. The same import again goes
    on with it.
    half-undone: alpha usage undo-import was stopped. The same command again goes on
    with it.
    "
  `);
  expect(killed.map(importRecordJson)).toMatchObject([
    { state: "incomplete", inserted: 1_234, ...unknown },
    { state: "half-undone", duplicate: 7 },
  ]);
});

it("has the state and every instant in JSON", () => {
  expect(IMPORTS.map(importRecordJson)).toMatchObject([
    { number: 12, state: "complete", finished_at: "2026-11-22T12:00:06Z", undone_at: null },
    { number: 11, state: "incomplete", finished_at: null, format: null },
    { number: 10, state: "undone", undone_at: "2026-11-22T12:00:07Z" },
  ]);
});

const NOTHING = { requests: 0n, tokens: 0n, images: 0n, cost: 0n, assumed: 0n };
const taken = {
  import: complete,
  events: 2,
  kept: 0,
  restored: 0,
  metSince: [],
  ...NOTHING,
  tokens: 1_500n,
  cost: 20_000_000n,
};

it("says what was taken back, what stands again and what stays", () => {
  expect(undoneText(taken, false, style)).toBe(
    "Undone: import 12 (logs/agents/2026-11/session-7f3a.jsonl).\nTook back 2 calls: 1,500 tokens and $0.02.\nIts ids are free: the same records, imported again, count.\n",
  );
  const more = { ...taken, events: 1, kept: 1, restored: 2, images: 3n, assumed: 50_000_000n };
  expect(undoneText(more, true, style)).toBe(
    [
      "Would undo import 12 (logs/agents/2026-11/session-7f3a.jsonl).",
      "Would take back 1 call: 1,500 tokens, 3 images, $0.02 and $0.05 assumed.",
      "2 calls of other imports stand again as before it.",
      "1 call stays: another source has met the same.",
      "",
    ].join("\n"),
  );
  expect(undoneText({ ...taken, ...NOTHING, events: 0 }, false, style)).toContain("Nothing of it counts.\n");
});

it("names the imports to run again, since their duplicates may have been what was taken back", () => {
  const met = (number: number, duplicate = 2) => ({
    ...complete,
    number,
    file: `${number}.jsonl`,
    duplicate,
  });
  const said = (dryRun: boolean, ...metSince: (typeof complete)[]) =>
    undoneText({ ...taken, metSince }, dryRun, style)
      .split("\n")
      .slice(2, -1);
  expect(said(true, met(13, 1))).toEqual([
    "Import 13 (13.jsonl) met 1 duplicate since. If that was a call of this import, it would count no more: import the file again afterwards.",
  ]);
  expect(said(false, met(14), met(13))[0]).toBe(
    "Imports 14 (14.jsonl) and 13 (13.jsonl) met 4 duplicates since. Those that were calls of this import count no more: import the files again.",
  );
  const many = [20, 19, 18, 17, 16, 15, 14].map((number) => met(number));
  expect(said(false, ...many)[0]).toContain("16 (16.jsonl) and 2 more met 14 duplicates since.");
  expect(undoneJson({ ...taken, metSince: [met(13, 1)] })).toMatchObject({
    met_since: [{ import: 13, file: "13.jsonl", duplicate: 1 }],
  });
  expect(said(false, { ...met(13), file: "a\u001b[31m.jsonl" })[0]).not.toContain("\u001b");
});

it("steers no terminal by the name of a file", () => {
  const named = { ...complete, file: "a\u001b[31m.jsonl" };
  expect(undoneText({ ...taken, import: named }, false, style)).not.toContain("\u001b");
});

it("keeps sums beyond the safe integers exact in JSON", () => {
  expect(undoneJson({ ...taken, tokens: 2n ** 60n, cost: 2n ** 60n })).toMatchObject({
    tokens: 2n ** 60n,
    cost: { nanos: 2n ** 60n, usd: "1152921504.606846976" },
  });
});
