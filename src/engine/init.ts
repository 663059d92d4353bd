import type { Nanos } from "../domain/money.js";
import { INITIAL_SETTINGS, SETTING_KEYS, type Settings } from "../domain/settings.js";
import { INITIAL_TIERS } from "../domain/tier.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { prepareMonths } from "./ledger-months.js";
import type { Writing } from "./ports.js";

export interface Initialise {
  /** The accounting zone; `UTC` unless given. Fixed from then on. */
  readonly timeZone?: string;
  /** A daily budget over all users, in nanos: stored as a guardrail that stops everything. */
  readonly dailyBudget?: Nanos;
}

export interface Initialised {
  readonly settings: Settings;
  readonly tiersCreated: readonly string[];
  readonly budget: Nanos | null;
  /** Whether the database had been initialised before: then only what was asked for is changed. */
  readonly repeated: boolean;
}

/** Fills a migrated database with the three tiers and the settings. Safe to repeat: what is there stays. */
export async function initialise(
  engine: Engine,
  input: Initialise,
  options: ChangeOptions = {},
): Promise<Initialised> {
  const initialised = await engine.store.write((tx) => fill(engine, tx, input), options);
  if (options.dryRun !== true) await prepareMonths(engine);
  return initialised;
}

async function fill(engine: Engine, tx: Writing, input: Initialise): Promise<Initialised> {
  const at = engine.now();
  const repeated = (await tx.records.createdAt()) !== null;
  const before = await tx.settings.current();
  const zone = input.timeZone ?? before.time_zone;
  if (repeated && zone !== before.time_zone) {
    throw new AlphaError("conflict", `this database accounts in ${before.time_zone}, not in ${zone}`, {
      hint: "the zone is chosen once, since every total depends on it; leave --time-zone out",
    });
  }
  const settings = { ...before, time_zone: zone };
  const tiersCreated = repeated ? [] : await createDefaults(engine, tx, settings, at);
  if (input.dailyBudget !== undefined) await setDailyBudget(engine, tx, input.dailyBudget, at);
  const guardrails = await tx.emergency.guardrails();
  const budget = guardrails.find((each) => each.meter === "cost" && each.period === "day");
  return { settings, tiersCreated, budget: budget?.limit ?? null, repeated };
}

async function createDefaults(
  engine: Engine,
  tx: Writing,
  settings: Settings,
  at: number,
): Promise<string[]> {
  for (const key of SETTING_KEYS) await tx.settings.set(key, settings[key], at);
  for (const tier of INITIAL_TIERS) await tx.tiers.save(tier, at);
  await audit(engine, tx, at, {
    action: "init",
    subject: "database",
    after: { time_zone: settings.time_zone, default_tier: INITIAL_SETTINGS.default_tier },
  });
  return INITIAL_TIERS.map((tier) => tier.key);
}

async function setDailyBudget(engine: Engine, tx: Writing, limit: Nanos, at: number): Promise<void> {
  const before = (await tx.emergency.guardrails()).find(
    (each) => each.meter === "cost" && each.period === "day",
  );
  if (before?.limit === limit && before.action === "stop") return;
  await tx.emergency.setGuardrail({ meter: "cost", period: "day", limit, action: "stop" }, at);
  await audit(engine, tx, at, {
    action: "guardrails.set",
    subject: "guardrail:cost/day",
    before: before === undefined ? null : { limit: before.limit, action: before.action },
    after: { limit, action: "stop" },
  });
}
