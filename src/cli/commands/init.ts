import { parseUsd } from "../../domain/money.js";
import { INITIAL_SETTINGS } from "../../domain/settings.js";
import { INITIAL_TIERS } from "../../domain/tier.js";
import { calendar } from "../../domain/window.js";
import { type Initialised, initialise } from "../../engine/init.js";
import { AlphaError } from "../../errors.js";
import { initJson, initText } from "../../render/views/init.js";
import { initStore, isCreated } from "../../store/init-store.js";
import { rememberDatabase } from "../config.js";
import type { Context } from "../context.js";
import { COMMAND_WAIT_MS } from "../open-engine.js";
import type { Invocation } from "../run.js";
import { parseMoney } from "../values.js";

interface Options {
  readonly timeZone?: string;
  readonly dailyBudget?: string;
  readonly remember?: boolean;
}

/** What was said about a new database on the command line. */
interface Given {
  readonly timeZone: string | undefined;
  readonly dailyBudget: number | undefined;
}

export default async function init(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { database, address, databaseFrom, configFile } = context.config;
  const place = { database: address, waitMs: COMMAND_WAIT_MS };
  const timeZone = options.timeZone === undefined ? undefined : calendar(options.timeZone).zone;
  const dailyBudget =
    options.dailyBudget === undefined ? undefined : parseMoney("--daily-budget", options.dailyBudget);
  if (context.dryRun) {
    if (!(await isCreated(place))) {
      return wouldCreate(context, { timeZone, dailyBudget });
    }
  } else {
    await initStore(place);
  }

  const engine = await context.engine();
  const fresh = (await engine.store.read((tx) => tx.records.createdAt())) === null;
  const answers = fresh && context.interactive ? await ask(context, { timeZone, dailyBudget }) : {};
  const wanted = { timeZone, dailyBudget, ...answers };
  const done: Initialised = await initialise(
    engine,
    {
      ...(wanted.timeZone === undefined ? {} : { timeZone: wanted.timeZone }),
      ...(wanted.dailyBudget === undefined ? {} : { dailyBudget: wanted.dailyBudget }),
    },
    { dryRun: context.dryRun },
  );
  if (options.remember === true && !context.dryRun) rememberDatabase(address, configFile);
  context.changed({
    kind: "init",
    data: { database, created: !done.repeated, ...initJson(done) },
    text: (style) => initText({ ...done, database }, style),
  });
  if (databaseFrom === "--database" && options.remember !== true) {
    context.note("Other commands find it with --database, ALPHA_DATABASE, or after: alpha init --remember");
  }
}

/** What a database that is not there yet would hold. */
function wouldCreate(context: Context, given: Given): void {
  const { database } = context.config;
  const settings = { ...INITIAL_SETTINGS, time_zone: given.timeZone ?? INITIAL_SETTINGS.time_zone };
  const tiersCreated = INITIAL_TIERS.map((tier) => tier.key);
  const fresh = { settings, tiersCreated, budget: given.dailyBudget ?? null, repeated: false };
  context.changed({
    kind: "init",
    data: { database, created: true, ...initJson(fresh) },
    text: (style) => `${style.ok("Would create")} ${database}\n`,
  });
}

async function ask(context: Context, given: Given): Promise<{ timeZone?: string; dailyBudget?: number }> {
  const { askText } = await import("../prompts.js");
  const answers: { timeZone?: string; dailyBudget?: number } = {};
  if (given.timeZone === undefined) {
    const zone = await askText(context.io, {
      message: "Time zone in which days and months begin:",
      initial: "UTC",
      check: complaint((text) => calendar(text.trim())),
    });
    answers.timeZone = calendar(zone.trim()).zone;
  }
  if (given.dailyBudget === undefined) {
    const budget = await askText(context.io, {
      message: "Daily budget over all testers in US dollars, empty for none:",
      check: complaint((text) => text.trim() === "" || parseMoney("the budget", text)),
    });
    const nanos = budget.trim() === "" ? null : parseUsd(budget);
    if (nanos !== null) answers.dailyBudget = nanos;
  }
  return answers;
}

/** Turns a check that throws into one that says what is wrong. */
function complaint(check: (text: string) => unknown): (text: string) => string | null {
  return (text) => {
    try {
      check(text);
      return null;
    } catch (error) {
      if (error instanceof AlphaError) return error.message;
      throw error;
    }
  };
}
