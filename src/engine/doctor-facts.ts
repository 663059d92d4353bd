import type { LimitFacts } from "../domain/doctor-limits.js";
import type { UsageFacts } from "../domain/doctor-usage.js";
import type { PersonaKey } from "../domain/persona.js";
import { unpricedModels } from "../domain/report.js";
import { calendar, firstDayOfMonth, type Instant } from "../domain/window.js";
import { displayName } from "./find.js";
import { guardrailStandings } from "./guardrails.js";
import { MOST_BACK } from "./looking-back.js";
import type { Reading } from "./ports.js";
import { sealOf } from "./sealing.js";
import { firstOpenDay } from "./status.js";
import { isResetOverdue } from "./status-concerns.js";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
/** A product opens the database when it starts; what has not started for so long is not running any more. */
const PRODUCT_DAYS = 90;
const HOLD_DAYS = 7;
const MOST_IMPORTS = 1_000;
const MOST_ALERTS = 10_000;

export async function limitFacts(tx: Reading, at: Instant): Promise<LimitFacts> {
  const users = await tx.users.list();
  const personas = new Map<string, { persona: PersonaKey; tier: string }>();
  for (const { persona, tier, status } of users) {
    if (persona !== null && status === "active") personas.set(`${persona}/${tier}`, { persona, tier });
  }
  const standings = await guardrailStandings(tx, at);
  return {
    settings: await tx.settings.current(),
    tiers: await tx.tiers.list(),
    testers: await tx.tiers.userCounts(),
    personas: [...personas.values()],
    stops: await tx.emergency.active(at),
    guardrails: standings.map(({ guardrail, trippedAt, isOn, window }) => ({
      guardrail,
      trippedAt,
      isOn,
      until: window.end,
    })),
  };
}

export async function usageFacts(tx: Reading, at: Instant): Promise<UsageFacts> {
  const timeZone = (await tx.settings.current()).time_zone;
  const zone = calendar(timeZone);
  const today = zone.dayOf(at);
  const lastReset = (await tx.records.lastReset()) ?? null;
  const daysToClose = today - (await firstOpenDay(tx, lastReset, zone, today));
  const lastMonth = firstDayOfMonth(zone.monthOf(at) - 1);
  // What is sealed cannot be given a price any more.
  const open = { from: Math.max(lastMonth, (await sealOf(tx))?.day ?? lastMonth), to: today + 1 };
  const clients = await tx.records.clients();
  return {
    at,
    ...(await lastOf(tx)),
    reset: {
      lastDay: lastReset?.day ?? null,
      daysToClose,
      isOverdue: isResetOverdue({ daysToClose, timeZone, at }),
    },
    unpriced: unpricedModels(await tx.usage.cells({ ...open, unpriced: true }, "kind")),
    products: clients.filter(({ openedAt }) => openedAt > at - PRODUCT_DAYS * DAY),
    holds: await holdsOf(tx, at),
    unfinished: await unfinishedImports(tx, at),
  };
}

async function lastOf(tx: Reading): Promise<Pick<UsageFacts, "lastRecorded" | "lastOccurred">> {
  const event = await tx.status.lastEvent(MOST_BACK);
  const [entry] = await tx.records.audit({ limit: 1 });
  const instants = [event?.recordedAt, await tx.status.lastLiveUse(MOST_BACK), entry?.at];
  const known = instants.filter((each) => each !== undefined && each !== null);
  return {
    lastRecorded: known.length === 0 ? null : Math.max(...known),
    lastOccurred: event?.occurredAt ?? null,
  };
}

async function holdsOf(tx: Reading, at: Instant): Promise<UsageFacts["holds"]> {
  const counts = await tx.holds.expiredCounts(at);
  const users = await tx.users.list({ removed: true });
  const days = new Set<number>();
  for (const { kind, at: alertedAt, index } of await tx.alerts.list({ limit: MOST_ALERTS })) {
    if (kind === "holds-expired" && alertedAt > at - HOLD_DAYS * DAY) days.add(index);
  }
  return {
    expired: [...counts.values()].reduce((sum, count) => sum + count, 0),
    users: users.filter(({ id }) => counts.has(id)).map(displayName),
    days: Math.min(days.size, HOLD_DAYS),
  };
}

/** One that has begun just now still runs; and what was imported whole since is no loss. */
async function unfinishedImports(tx: Reading, at: Instant): Promise<UsageFacts["unfinished"]> {
  const whole = new Set<string>();
  const unfinished: { number: number; file: string }[] = [];
  for (const { number, file, startedAt, finishedAt, undoneAt } of await tx.records.imports({
    limit: MOST_IMPORTS,
  })) {
    if (finishedAt !== null) whole.add(file);
    else if (undoneAt === null && startedAt < at - HOUR && !whole.has(file)) {
      unfinished.push({ number, file });
    }
  }
  return unfinished;
}
