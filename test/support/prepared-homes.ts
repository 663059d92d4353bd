import { AsyncLocalStorage } from "node:async_hooks";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, aroundEach, beforeAll } from "vitest";
import { addOverrides } from "../../src/engine/overrides.js";
import { type Home, homeAt, NOW } from "./cli.js";
import { seededDatabase } from "./engine-on.js";
import { BLANK, homeOnServer, onServer } from "./homes.js";
import { dropDatabase } from "./postgres.js";
import { TEMPLATE } from "./postgres-server.js";
import { HOUR, MINUTE, record, reserve } from "./store.js";

/** The id of ada's reservation in a prepared home. */
export const HOLD = "r_1kr2bxm008q4wv1n7t0cz3ek";

export interface PreparedHomes {
  /** A home with a database that holds a little of everything. */
  prepared(): Promise<Home>;
  /** A home with no database of alpha's. */
  empty(): Promise<Home>;
}

/**
 * Homes for the tests of a file, also for concurrent ones. A prepared one is a copy, since making a database takes longer
 * than most commands. To be called once, in the body of a test file.
 */
export function preparedHomes(): PreparedHomes {
  const folder = mkdtempSync(join(tmpdir(), "alpha-homes-"));
  // Some tests run the program as somebody else.
  chmodSync(folder, 0o755);
  const template = join(folder, "template");
  let filled: string | undefined;
  let count = 0;
  // Of each test, also where several run at a time: databases are large.
  const made = new AsyncLocalStorage<string[]>();
  aroundEach((runTest) =>
    made.run([], async () => {
      await runTest();
      made.getStore()?.forEach(dropDatabase);
    }),
  );
  const home = async (path: string, from: string): Promise<Home> => {
    if (!onServer) return homeAt(path);
    const { name, ...home } = await homeOnServer(path, from);
    made.getStore()?.push(name);
    return home;
  };
  beforeAll(async () => {
    mkdirSync(template);
    if (!onServer) return populateHome(homeAt(template));
    const { name, ...home } = await homeOnServer(template, TEMPLATE);
    filled = name;
    await populateHome(home);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    if (filled !== undefined) dropDatabase(filled);
  });
  return {
    prepared() {
      const path = join(folder, String(++count));
      cpSync(template, path, { recursive: true });
      return home(path, filled!);
    },
    empty() {
      const path = join(folder, String(++count));
      mkdirSync(path);
      return home(path, BLANK);
    },
  };
}

/** Lines of a log in alpha's own format. */
export function usageLog(count: number): string[] {
  return Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      id: `log-${n}`,
      timestamp: new Date(NOW - 3 * HOUR + n).toISOString(),
      user: "ada@example.com",
      provider: "openai",
      model: "gpt-4o",
      feature: "blog_writer",
      input_tokens: 10,
      output_tokens: 5,
    }),
  );
}

/** What OpenAI bills for the usage of a prepared home: one token more than the ledger has, and its cost. */
const OPENAI_USAGE = `start_time_iso,model,num_model_requests,input_tokens,output_tokens
2026-11-21T00:00:00,gpt-4o-2024-08-06,1.0,10.0,5.0
2026-11-22T00:00:00,gpt-4o-2024-08-06,1.0,601.0,120.0
2026-11-22T00:00:00,gpt-image-1,1.0,10.0,5.0
`;
const OPENAI_COST = `start_time_iso,amount_value,amount_currency,line_item
2026-11-21T00:00:00,0.000001,usd,"gpt-4o-2024-08-06, input"
2026-11-22T00:00:00,0.002002,usd,"gpt-4o-2024-08-06, input"
`;
/** There is no usage of it in a prepared home, and nothing is billed. */
const ANTHROPIC_USAGE = `usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens
2026-11-02,claude-haiku-4-5-20251001,0,0
`;

/** Testers on every tier, a suspended one, a tier with nobody on it, and usage that is priced, stated and unpriced. */
export async function populateHome(home: Home): Promise<void> {
  const at = NOW - 2 * HOUR;
  const users = [
    { id: "ada", email: "ada@example.com", name: "Ada Lovelace", tier: "basic", aliases: ["key-7f3a-old"] },
    { id: "bob", email: "bob@example.com", tier: "free" },
    { id: "cleo", email: "cleo@example.com", tier: "pro", persona: "power" as const },
  ];
  await seededDatabase(home.database, users, {
    at: at - 24 * HOUR,
    prepare: async (engine) => {
      const { store } = engine;
      const generous = { meter: "tokens", period: "day", limit: 80_000 } as const;
      await addOverrides(engine, { user: "cleo", quotas: [generous], reason: "load test" });
      const start = { at, actor: "olga", file: "older.jsonl", format: "alpha", options: "{}" };
      const importId = await store.write((tx) => tx.records.startImport(start));
      const events = [
        record("1", { user: "ada", input: 600, output: 120, cost: 2_000_000, occurredAt: at }, at),
        record("2", { user: "bob", images: 2, model: "gpt-image-1", cost: null, occurredAt: at }, at),
        record(
          "3",
          { user: "cleo", feature: "advanced_analytics", occurredAt: at - 24 * HOUR, importId },
          at,
        ),
        reserve(HOLD, { tokens: 100, cost: 1_000_000 }, "ada", NOW - MINUTE),
        // Refused, which leaves an alert.
        reserve("r_too_much", { tokens: 5_000 }, "bob", NOW - MINUTE),
      ];
      await store.meter.commit(events);
      const tally = { inserted: 1, superseded: 0, duplicate: 0, rejected: 0, skipped: 0 };
      await store.write((tx) => tx.records.finishImport(importId, { at, ...tally }));
    },
  });
  await home.ok(["tiers", "add", "spare", "--daily-tokens", "10"]);
  // After the calls that it is for, which therefore have no price until they are repriced.
  const rates = ["--input", "5", "--output", "40", "--image", "0.04"];
  await home.ok(["prices", "set", "gpt-image-1", ...rates, "--from", "2026-11-01"]);
  await home.ok(["users", "add", "dana@example.com", "--id", "dana"]);
  await home.ok(["users", "suspend", "dana"]);
  await home.ok(["guardrails", "set", "--monthly-cost", "500", "--action", "alert"]);
  writeFileSync(join(home.path, "usage.jsonl"), `${usageLog(20).join("\n")}\n`);
  writeFileSync(join(home.path, "openai-usage.csv"), OPENAI_USAGE);
  writeFileSync(join(home.path, "openai-cost.csv"), OPENAI_COST);
  writeFileSync(join(home.path, "anthropic-usage.csv"), ANTHROPIC_USAGE);
  // Nobody has it open, so that the file is all of it.
  if (existsSync(home.database)) copyFileSync(home.database, join(home.path, "alpha-backup.db"));
}
