import { describe, expect, test } from "vitest";
import { CHECKS, counted, type Finding, inOrder, someOf } from "../../src/domain/doctor.js";
import {
  diagnoseBackup,
  diagnoseHealth,
  diagnoseTotals,
  type FileHealth,
  type ServerHealth,
} from "../../src/domain/doctor-database.js";
import { diagnoseLimits, type LimitFacts } from "../../src/domain/doctor-limits.js";
import { diagnoseSources, diagnoseUsage, type UsageFacts } from "../../src/domain/doctor-usage.js";
import type { Stop } from "../../src/domain/emergency.js";
import type { Guardrail } from "../../src/domain/guardrail.js";
import { INITIAL_SETTINGS, type Settings } from "../../src/domain/settings.js";
import { INITIAL_TIERS } from "../../src/domain/tier.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const HOUR = 60 * 60_000;
const USD = 1_000_000_000;

/** What is not fine, as `level check: message`. */
function wrong(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ level }) => level !== "ok")
    .map(({ level, check, message }) => `${level} ${check}: ${message}`);
}

const FILE: FileHealth = {
  kind: "sqlite",
  path: "/srv/alpha/alpha.db",
  bytes: 2_000_000,
  walBytes: 4_000_000,
  journalMode: "wal",
  freeBytes: 80_000_000_000,
  network: null,
  others: "nothing",
  defects: [],
};

describe("a file", () => {
  const found = (change: Partial<FileHealth>) => wrong(diagnoseHealth({ ...FILE, ...change }));

  test("that is as it should be", () => {
    expect(found({})).toEqual([]);
    expect(diagnoseHealth(FILE).map(({ check }) => check)).toEqual(["access", "wal", "disk", "pages"]);
    expect(diagnoseHealth({ ...FILE, defects: null }).map(({ check }) => check)).not.toContain("pages");
  });

  test.each<[Partial<FileHealth>, RegExp]>([
    [{ others: "read" }, /^warning access: every account of this machine may read it/],
    [{ others: "write" }, /^problem access: every account of this machine may change it/],
    [{ journalMode: "delete" }, /^problem wal: the journal mode is delete instead of wal/],
    [{ walBytes: 64_000_001 }, /^warning wal: the log beside the file has grown to 64 MB/],
    [{ freeBytes: 99_999_999 }, /^problem disk: 100 MB free: when it is full, no call can be metered/],
    [{ freeBytes: 100_000_000 }, /^warning disk: only 100 MB free$/],
    [{ freeBytes: 1_000_000_000, bytes: 1_000_000_001 }, /^warning disk: only 1 GB free: a backup beside it/],
    [{ network: "NFS" }, /^problem disk: the file is on a network file system \(NFS\)/],
    [{ defects: ["row 3 missing"] }, /^problem pages: the file is damaged: row 3 missing$/],
    [{ defects: ["a", "b", "c"] }, /damaged: a, and 2 more defects$/],
  ])("with %j", (change, message) => {
    expect(found(change)).toEqual([expect.stringMatching(message)]);
  });

  test("limits are exact: what is just enough is fine", () => {
    expect(found({ walBytes: 64_000_000, freeBytes: 1_000_000_000, bytes: 1_000_000_000 })).toEqual([]);
  });

  test("a path with a space is quoted in the remedy", () => {
    const [finding] = diagnoseHealth({ ...FILE, others: "read", path: "/srv/my alpha/a.db" });
    expect(finding?.remedy).toBe("chmod o-rwx '/srv/my alpha/a.db'*");
  });
});

test("a server: its settings and connections", () => {
  const server: ServerHealth = { kind: "postgres", unsafe: [], connections: 89, maxConnections: 100 };
  const found = (change: Partial<ServerHealth>) => wrong(diagnoseHealth({ ...server, ...change }));
  expect(found({})).toEqual([]);
  expect(found({ connections: 90 })).toEqual([
    "warning server: 90 of 100 connections in use: soon whoever wants to meter is refused one",
  ]);
  expect(found({ unsafe: ["fsync", "full_page_writes"] })).toEqual([
    expect.stringMatching(/^problem server: fsync and full_page_writes are off: a crash/),
  ]);
});

test("totals and backups", () => {
  expect(diagnoseTotals({ rows: 1_200, differences: 0 })).toMatchObject({
    level: "ok",
    message: "equal to what 1,200 rows of the ledger add up to",
  });
  expect(diagnoseTotals({ rows: 1, differences: 2 })).toMatchObject({
    level: "problem",
    message: "2 differences between totals and what 1 row of the ledger add up to",
  });
  // That alpha knows of no backup is no finding: there are other ways to make one.
  expect(diagnoseBackup(null).level).toBe("ok");
  expect(diagnoseBackup(NOW).message).toBe("the last one was made 2026-11-22T12:00:00Z");
});

describe("limits", () => {
  const budget = (change: Partial<Guardrail> = {}): LimitFacts["guardrails"][number] => ({
    guardrail: { id: 1, meter: "cost", period: "day", limit: 25 * USD, action: "stop", ...change },
    trippedAt: null,
    isOn: false,
    until: NOW + 12 * HOUR,
  });
  const facts: LimitFacts = {
    settings: INITIAL_SETTINGS,
    tiers: INITIAL_TIERS,
    testers: new Map([
      ["free", 3],
      ["pro", 1],
    ]),
    personas: [],
    stops: [],
    guardrails: [budget()],
  };
  const found = (change: Partial<LimitFacts>) => wrong(diagnoseLimits({ ...facts, ...change }));
  const settings = (change: Partial<Settings>) => found({ settings: { ...INITIAL_SETTINGS, ...change } });

  test("as they should be", () => {
    expect(found({})).toEqual([]);
  });

  test("no budget, or only one of tokens", () => {
    const message = "warning budget: nothing limits what all testers together may cost";
    expect(found({ guardrails: [] })).toEqual([message]);
    expect(found({ guardrails: [budget({ meter: "tokens", limit: 1_000_000 })] })).toEqual([message]);
  });

  test("a guardrail that one tester alone can reach", () => {
    // A day of Pro at the planning rates: 50,000 tokens are $5.00, 200 images $10.00.
    expect(found({ guardrails: [budget({ limit: 15 * USD })] })).toEqual([]);
    expect(found({ guardrails: [budget({ limit: 15 * USD - 1 })] })).toEqual([
      "warning guardrails: one tester alone may use more in a day than the guardrail on cost/day lets through ($15.00), which then stops everybody: pro ($15.00)",
    ]);
    // In a month its limit of $500 is above 30 days of that, $450; Free's is $10, and 30 days of it $10.50.
    expect(found({ guardrails: [budget({ period: "month", limit: 450 * USD, action: "alert" })] })).toEqual(
      [],
    );
    expect(found({ guardrails: [budget({ period: "month", limit: 9 * USD, action: "alert" })] })).toEqual([
      "warning guardrails: one tester alone may use more in a month than the guardrail on cost/month lets through ($9.00), which then alerts: free ($10.00), pro ($450.00)",
    ]);
    const tokens = budget({ meter: "tokens", period: "month", limit: 1_499_999, action: "throttle" });
    // 30 days of 50,000 tokens; a tier with nobody on it plays no part.
    expect(found({ guardrails: [budget(), tokens] })).toEqual([
      "warning guardrails: one tester alone may use more in a month than the guardrail on tokens/month lets through (1,499,999 tokens), which then throttles everybody: pro (1,500,000 tokens)",
    ]);
  });

  test("a tier without limits can reach every guardrail", () => {
    const tiers = [...INITIAL_TIERS, { key: "open", label: "Open", rank: 4, quotas: [], features: [] }];
    expect(found({ tiers, testers: new Map([["open", 1]]) })).toEqual([
      expect.stringMatching(/: open \(without limit\)$/),
    ]);
  });

  test("a guardrail that was lifted watches nothing more; one whose stop is on is told as a stop", () => {
    const tripped = { ...budget(), trippedAt: NOW - HOUR };
    expect(found({ guardrails: [tripped] })).toEqual([
      "warning guardrails: the guardrail on cost/day tripped at 2026-11-22T11:00:00Z and was lifted: it watches nothing until 2026-11-23T00:00:00Z",
    ]);
    expect(found({ guardrails: [{ ...tripped, isOn: true }] })).toEqual([]);
    const alerting = { ...budget({ action: "alert" }), trippedAt: NOW - HOUR };
    expect(found({ guardrails: [alerting] })).toEqual([]);
  });

  test("a stop of everything is a problem, what is meant for some a warning", () => {
    const stop: Stop = {
      id: 1,
      action: "stop",
      scope: {},
      reason: "runaway loop",
      actor: "olga",
      since: NOW - HOUR,
      until: null,
    };
    expect(found({ stops: [stop] })).toEqual([
      "problem stops: every call is stopped by olga since 2026-11-22T11:00:00Z (runaway loop)",
    ]);
    const some: Stop = { ...stop, scope: { model: "gpt-4o" }, reason: null, until: NOW + HOUR };
    const slow: Stop = { ...stop, action: "throttle", actor: "guardrail", reason: null };
    expect(found({ stops: [some, slow] })).toEqual([
      "warning stops: some calls are stopped by olga since 2026-11-22T11:00:00Z, until 2026-11-22T13:00:00Z",
      "warning stops: every call is throttled to the emergency limits by a guardrail since 2026-11-22T11:00:00Z",
    ]);
  });

  test("settings that contradict each other", () => {
    expect(settings({ default_tier: "gold" })).toEqual([
      "problem settings: there is no tier gold, on which new testers are to start",
    ]);
    expect(settings({ warn_at: 9_500 })).toEqual([expect.stringContaining("warn at 95% and block at 95%")]);
    expect(settings({ unpriced: "ignore" })).toEqual([
      expect.stringMatching(/^warning settings: usage without a price counts against no limit/),
    ]);
  });

  test("personas that do not fit their tier", () => {
    expect(found({ personas: [{ persona: "casual", tier: "basic" }] })).toEqual([]);
    // Casual states $15 a month, and computes to $0.15 a day: $4.50 of Free's $10, and no limit is reached.
    expect(found({ personas: [{ persona: "casual", tier: "free" }] })).toEqual([
      "warning estimates: casual testers do not fit free: their stated $15.00 a month is above its $10.00",
    ]);
    // 2,000 tokens a day are twice what Free allows, and 10 images, too.
    expect(found({ personas: [{ persona: "active", tier: "free" }] })).toEqual([
      expect.stringMatching(
        /their stated \$60\.00 a month is above its \$10\.00, and what they are expected to use reaches its (tokens|images)\/day$/,
      ),
    ]);
  });
});

describe("usage", () => {
  const facts: UsageFacts = {
    at: NOW,
    lastRecorded: NOW,
    lastOccurred: NOW,
    reset: { lastDay: 20_778, daysToClose: 0, isOverdue: false },
    unpriced: [],
    products: [{ host: "web-1", failOpen: false, openedAt: NOW }],
    holds: { expired: 2, users: ["ada"], days: 0 },
    unfinished: [],
  };
  const found = (change: Partial<UsageFacts>) => wrong(diagnoseUsage({ ...facts, ...change }));

  test("as it should be, also in an empty database", () => {
    expect(found({})).toEqual([]);
    const reset = { lastDay: null, daysToClose: 0, isOverdue: false };
    expect(found({ lastRecorded: null, lastOccurred: null, reset })).toEqual([]);
  });

  test.each<[string, Partial<UsageFacts>]>([
    [
      "problem clock: this machine says it is 2026-11-22T12:00:00Z, and something was recorded at 2026-11-22T12:02:00Z already",
      { lastRecorded: NOW + 120_000 },
    ],
    [
      "warning clock: the last event says that it occurred at 2026-11-22T12:02:00Z, which is to come",
      { lastOccurred: NOW + 120_000 },
    ],
    [
      "warning reset: the daily reset is overdue by 1 day: it has never run",
      { reset: { lastDay: null, daysToClose: 1, isOverdue: true } },
    ],
    [
      // 20,776 days since 1970: 2026-11-19.
      "warning reset: the daily reset is overdue by 2 days: the last that was closed is 2026-11-19",
      { reset: { lastDay: 20_776, daysToClose: 2, isOverdue: true } },
    ],
    [
      "warning prices: 3 calls of this month and the last without a price, assumed to cost $1.50: m-1, no model stated",
      {
        unpriced: [
          { provider: "", model: "m-1", events: 2, assumed: 0n },
          { provider: "", model: "", events: 1, assumed: 1_500_000_000n },
        ],
      },
    ],
    [
      "warning prices: 1 call of this month and the last without a price, no cost is assumed for them: m-1",
      { unpriced: [{ provider: "", model: "m-1", events: 1, assumed: 0n }] },
    ],
    [
      "warning products: no product has opened this database of late, so that limits are shown and nothing enforces them",
      { products: [] },
    ],
    [
      "warning products: the product on web-2 (opened 2026-11-22T11:00:00Z) fails open: while the database cannot be reached, it lets calls through unmetered",
      { products: [...facts.products, { host: "web-2", failOpen: true, openedAt: NOW - HOUR }] },
    ],
    [
      "warning holds: calls are reserved and never settled: 3 reservations of ada, bob expired",
      { holds: { expired: 3, users: ["ada", "bob"], days: 0 } },
    ],
    [
      "warning holds: calls are reserved and never settled: it was so on 4 of the last 7 days",
      { holds: { expired: 0, users: [], days: 4 } },
    ],
    [
      "warning imports: 1 import did not come to the end: a.jsonl (7)",
      { unfinished: [{ number: 7, file: "a.jsonl" }] },
    ],
  ])("%s", (message, change) => {
    expect(found(change)).toEqual([message]);
  });

  test("clocks of several machines may be a minute apart", () => {
    expect(found({ lastRecorded: NOW + 60_000, lastOccurred: NOW + 60_000 })).toEqual([]);
  });

  test("sources that cover the same hours", () => {
    expect(diagnoseSources([]).level).toBe("ok");
    const shared = { user: "ada", hours: 12, sources: ["litellm", "live"] };
    expect(wrong([diagnoseSources([shared])])).toEqual([
      "warning sources: two sources cover the same hours, and may have counted the same calls twice: ada (12 hours, litellm and live)",
    ]);
  });
});

test("whatever is wrong has a remedy, and what is fine has none", () => {
  const all = [
    ...diagnoseHealth({ ...FILE, others: "write", journalMode: "off", freeBytes: 1, network: "NFS" }),
    ...diagnoseHealth({ kind: "postgres", unsafe: ["fsync"], connections: 1, maxConnections: 1 }),
  ];
  for (const { level, remedy } of all) expect(remedy === null).toBe(level === "ok");
});

test("findings come in the order of the checks, and what was not made says why", () => {
  const found: Finding[] = [
    { check: "clock", level: "ok", message: "a", remedy: null },
    { check: "database", level: "ok", message: "b", remedy: null },
  ];
  const ordered = inOrder(found, CHECKS, "left out");
  expect(ordered.map(({ check }) => check)).toEqual(CHECKS);
  expect(ordered.filter(({ level }) => level === "skipped")).toHaveLength(CHECKS.length - 2);
});

test("counts and names in words", () => {
  expect([counted(0, "call"), counted(1, "call"), counted(1_234_567, "call")]).toEqual([
    "0 calls",
    "1 call",
    "1,234,567 calls",
  ]);
  expect(someOf(["a", "b", "c"])).toBe("a, b, c");
  expect(someOf(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
});
