import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { NO_RATES } from "../../src/domain/own-price-rules.js";
import type { PriceBook } from "../../src/domain/price-book.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { formatInstant } from "../../src/domain/window.js";
import { emergencyOff, emergencyOn } from "../../src/engine/emergency.js";
import type { Engine } from "../../src/engine/engine.js";
import { clearGuardrails, guardrailStandings, setGuardrails } from "../../src/engine/guardrails.js";
import { revokeOverrides } from "../../src/engine/override-revoke.js";
import { addOverrides } from "../../src/engine/overrides.js";
import { changePersona } from "../../src/engine/personas.js";
import { removePrice, setPrice } from "../../src/engine/price-changes.js";
import { setSetting } from "../../src/engine/settings.js";
import { addTier, removeTier, setTier } from "../../src/engine/tiers.js";
import { undo } from "../../src/engine/undo.js";
import { addUser, moveUser, setSuspended } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { change, DAY, HOUR, openFreshSqlite, populate, record, T0 } from "../support/store.js";

/** A price book that knows no model. */
const NO_PRICES: PriceBook = {
  name: "none",
  version: "0",
  rates: () => null,
  dearest: () => null,
  describe: () => null,
};

async function prepared() {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  await populate(database.store, "ada", "bob");
  const engine = Object.assign(engineOn(database.store), { prices: async () => NO_PRICES });
  const last = async () => (await database.store.read((tx) => tx.records.audit({ limit: 1 })))[0]!;
  const undoLast = async () => undo(engine, (await last()).id);
  return { ...database, engine, last, undoLast, standing: () => standingOf(engine) };
}

/** Everything that decides, but for numbers and beginnings of rows. */
function standingOf(engine: Engine) {
  return engine.store.read(async (tx) => {
    const users = await tx.users.list();
    return {
      users: users.map(({ key, tier, status, persona }) => ({ key, tier, status, persona })),
      overrides: await Promise.all(
        users.map(async ({ id }) =>
          (await tx.users.overrides(id))
            .map(({ id: _id, since: _since, ...rest }) => JSON.stringify(rest))
            .sort(),
        ),
      ),
      tiers: await tx.tiers.list(),
      settings: await tx.settings.current(),
      guardrails: (await tx.emergency.guardrails())
        .map(({ id: _id, ...rest }) => JSON.stringify(rest))
        .sort(),
      prices: (await tx.prices.own()).map(({ id: _id, ...rest }) => rest),
      stops: (await tx.emergency.active(engine.now()))
        .map(({ id: _id, since: _since, ...rest }) => JSON.stringify(rest))
        .sort(),
    };
  });
}

const OPEN_WEEK = { user: "ada", reason: "open week" };
const TOKENS = { meter: "tokens", period: "day" } as const;

/** A change of each kind, and what has to be so before it. */
const CHANGES: Readonly<Record<string, readonly ((engine: Engine) => Promise<unknown>)[]>> = {
  promote: [(engine) => moveUser(engine, "promote", { user: "ada" })],
  demote: [
    (engine) => moveUser(engine, "promote", { user: "ada", to: "pro" }),
    (engine) => moveUser(engine, "demote", { user: "ada" }),
  ],
  "promote, clearing overrides": [
    (engine) => addOverrides(engine, { ...OPEN_WEEK, quotas: [{ ...TOKENS, limit: 7 }], grant: ["labs"] }),
    (engine) => moveUser(engine, "promote", { user: "ada", clearOverrides: true }),
  ],
  suspend: [(engine) => setSuspended(engine, true, { user: "ada" })],
  resume: [
    (engine) => setSuspended(engine, true, { user: "ada" }),
    (engine) => setSuspended(engine, false, { user: "ada" }),
  ],
  "a first persona": [(engine) => changePersona(engine, { user: "ada", persona: "power" })],
  "a persona taken away": [
    (engine) => changePersona(engine, { user: "ada", persona: "casual" }),
    (engine) => changePersona(engine, { user: "ada", persona: "none" }),
  ],
  "a first override": [
    (engine) => addOverrides(engine, { ...OPEN_WEEK, quotas: [{ ...TOKENS, limit: null }], deny: ["labs"] }),
  ],
  "an override that replaces one": [
    (engine) =>
      addOverrides(engine, { ...OPEN_WEEK, quotas: [{ ...TOKENS, limit: 7 }], until: "2026-12-24" }),
    (engine) => addOverrides(engine, { ...OPEN_WEEK, quotas: [{ ...TOKENS, limit: 9 }] }),
  ],
  "a revoked override": [
    (engine) => addOverrides(engine, { ...OPEN_WEEK, quotas: [{ ...TOKENS, limit: 7 }] }),
    (engine) => revokeOverrides(engine, { user: "ada" }),
  ],
  "a new tier": [(engine) => addTier(engine, "team", { quotas: [{ ...TOKENS, limit: 7 }] })],
  "a changed tier": [
    (engine) =>
      setTier(engine, "free", {
        label: "Free",
        quotas: [{ ...TOKENS, limit: null }],
        addFeatures: ["labs"],
        callTokens: "unlimited",
      }),
  ],
  "a removed tier": [(engine) => addTier(engine, "team", {}), (engine) => removeTier(engine, "team")],
  "a setting": [(engine) => setSetting(engine, { key: "warn_at", value: "60%" })],
  "a setting of nothing": [(engine) => setSetting(engine, { key: "call_tokens", value: "500" })],
  "a new price": [
    (engine) => setPrice(engine, { model: "gpt-x", rates: { ...NO_RATES, input: 5 }, from: "2026-11-01" }),
  ],
  "a replaced price": [
    (engine) => setPrice(engine, { model: "gpt-x", rates: { ...NO_RATES, input: 5 }, from: "2026-11-01" }),
    (engine) =>
      setPrice(engine, { model: "gpt-x", rates: { ...NO_RATES, input: 6, output: 7 }, from: "2026-11-01" }),
  ],
  "a removed price": [
    (engine) =>
      setPrice(engine, {
        model: "gpt-x",
        provider: "azure",
        rates: { ...NO_RATES, image: 5 },
        from: "2026-11-01",
      }),
    (engine) => removePrice(engine, { model: "gpt-x", provider: "azure" }),
  ],
  "a new guardrail": [(engine) => setGuardrails(engine, { limits: [{ ...TOKENS, limit: 100 }] })],
  "a changed guardrail": [
    (engine) => setGuardrails(engine, { limits: [{ meter: "cost", period: "month", limit: 100 }] }),
    (engine) =>
      setGuardrails(engine, { limits: [{ meter: "cost", period: "month", limit: 200 }], action: "alert" }),
  ],
  "a cleared guardrail": [
    (engine) => setGuardrails(engine, { limits: [{ ...TOKENS, limit: 100 }], action: "throttle" }),
    (engine) => clearGuardrails(engine, { names: [TOKENS] }),
  ],
  "a stop": [(engine) => emergencyOn(engine, { reason: "runaway" })],
  "a stop of much": [
    (engine) =>
      emergencyOn(engine, { user: "ada", tier: "free", provider: "openai", model: "gpt-x", feature: "labs" }),
  ],
  "a throttle that goes on for longer": [
    (engine) => emergencyOn(engine, { throttle: true, forMs: HOUR }),
    (engine) => emergencyOn(engine, { throttle: true, forMs: 2 * HOUR }),
  ],
  "a lifted stop": [
    (engine) => emergencyOn(engine, { user: "ada", forMs: DAY }),
    (engine) => emergencyOff(engine, {}),
  ],
};

test.each(Object.entries(CHANGES))("%s is undone, and done again", async (_name, changes) => {
  const { engine, last, undoLast, standing } = await prepared();
  for (const before of changes.slice(0, -1)) await before(engine);
  const before = await standing();
  engine.at += 1_000;
  await changes.at(-1)?.(engine);
  const after = await standing();
  expect(after).not.toEqual(before);
  const { id } = await last();

  engine.at += 1_000;
  await undo(engine, id, { reason: " wrong " }, { dryRun: true });
  expect(await standing()).toEqual(after);
  const undone = await undo(engine, id, { reason: " wrong " });
  expect(await standing()).toEqual(before);
  expect(await last()).toMatchObject({
    id: undone.number,
    action: "undo",
    subject: `audit:${id}`,
    before: undone.entry.after,
    after: undone.entry.before,
    actor: "olga",
    reason: "wrong",
    at: engine.at,
  });
  await expect(undo(engine, id)).rejects.toThrow(`${id} (${undone.entry.action}) was undone already, with`);

  await undoLast();
  expect(await standing()).toEqual(after);
  await undo(engine, id);
  expect(await standing()).toEqual(before);
});

describe("a guardrail that is put back", () => {
  const limits = (limit: number) => ({ limits: [{ ...TOKENS, limit }] });
  const reach = (engine: Engine, id: string, tokens: number) =>
    engine.store.meter.commit([record(id, { input: tokens, output: 0 }, T0)]);
  const state = (engine: Engine) =>
    engine.store.read(async (tx) => {
      const [standing] = await guardrailStandings(tx, engine.now());
      return [standing?.trippedAt ?? null, standing?.isOn, (await tx.emergency.active(engine.now())).length];
    });

  test.each<[string, (engine: Engine) => Promise<unknown>]>([
    ["after it was cleared", (engine) => clearGuardrails(engine, { names: [] })],
    ["after its limit was another", (engine) => setGuardrails(engine, limits(10_000))],
    [
      "after its limit and action were others",
      (engine) => setGuardrails(engine, { ...limits(10_000), action: "alert" }),
    ],
  ])("stays lifted in the window in which it had tripped: %s", async (_name, end) => {
    const { engine, undoLast, last } = await prepared();
    await setGuardrails(engine, limits(100));
    await reach(engine, "a", 120);
    engine.at += 1_000;
    await emergencyOff(engine, {});
    engine.at += 1_000;
    await end(engine);
    const { id } = await last();
    engine.at += 1_000;
    const { guardrails } = await undoLast();
    expect(guardrails).toMatchObject([{ guardrail: { limit: 100 }, used: 120n, trippedAt: T0, isOn: false }]);
    await reach(engine, "b", 1);
    expect(await state(engine)).toEqual([T0, false, 0]);
    // Gone again, and back again.
    engine.at += 1_000;
    await undoLast();
    engine.at += 1_000;
    await undo(engine, id);
    await reach(engine, "c", 1);
    expect(await state(engine)).toEqual([T0, false, 0]);
  });

  test("trips with the next call where it had not tripped, and tells that it is used up", async () => {
    const { engine, undoLast } = await prepared();
    await setGuardrails(engine, limits(100));
    engine.at += 1_000;
    await setGuardrails(engine, limits(10_000));
    await reach(engine, "a", 120);
    engine.at += 1_000;
    expect((await undoLast()).guardrails).toMatchObject([{ used: 120n, trippedAt: null }]);
    await reach(engine, "b", 1);
    expect(await state(engine)).toEqual([T0, true, 1]);
  });

  test("that is set anew by hand watches anew", async () => {
    const { engine } = await prepared();
    await setGuardrails(engine, limits(100));
    await reach(engine, "a", 120);
    await emergencyOff(engine, {});
    await clearGuardrails(engine, { names: [] });
    await setGuardrails(engine, limits(100));
    await reach(engine, "b", 1);
    expect(await state(engine)).toEqual([T0, true, 1]);
  });
});

test("whatever was done is undone from the last to the first, and that too", async () => {
  const names = Object.keys(CHANGES);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 8 }), async (chosen) => {
      const { engine, store, standing } = await prepared();
      const start = await standing();
      for (const step of chosen.flatMap((name) => CHANGES[name] ?? [])) {
        engine.at += 1_000;
        // Some make no sense after others, and are refused.
        await step(engine).catch(() => {});
      }
      const end = await standing();
      const numbers = async () =>
        (await store.read((tx) => tx.records.audit({ actor: "olga" })))
          .filter(({ action }) => action !== "test.change")
          .map(({ id }) => id);
      const done = await numbers();
      for (const id of done) await undo(engine, id);
      expect(await standing()).toEqual(start);
      for (const id of (await numbers()).slice(0, done.length)) await undo(engine, id);
      expect(await standing()).toEqual(end);
    }),
    { numRuns: 25 },
  );
});

test("what was built upon stays until that is undone", async () => {
  const { engine, last } = await prepared();
  await moveUser(engine, "promote", { user: "ada" });
  const first = (await last()).id;
  await moveUser(engine, "promote", { user: "ada" });
  const second = (await last()).id;
  // Neither another user nor another thing of the same user is in the way.
  await moveUser(engine, "promote", { user: "bob" });
  await setSuspended(engine, true, { user: "ada" });
  await addOverrides(engine, { ...OPEN_WEEK, grant: ["labs"] });
  await expect(undo(engine, first)).rejects.toMatchObject({
    code: "conflict",
    message: `${first} (users.promote) cannot be undone: ${second} (users.promote) by olga at 2026-11-22T12:00:00Z came after it`,
    hint: `undo that first, if it is to go too: alpha undo ${second}`,
  });
  await undo(engine, second);
  await undo(engine, first);
  expect((await standingOf(engine)).users[0]).toMatchObject({ tier: "free", status: "suspended" });
});

test("what has changed in another way, or ended by itself, is not put back", async () => {
  const { engine, last, store } = await prepared();
  await emergencyOn(engine, { forMs: HOUR });
  const on = (await last()).id;
  await emergencyOff(engine, {});
  const off = (await last()).id;
  engine.at += HOUR;
  await expect(undo(engine, off)).rejects.toThrow(
    `what ${off} (emergency-stop.off) changed has run out by itself`,
  );
  await expect(undo(engine, on)).rejects.toThrow(`${on} (emergency-stop.on) cannot be undone: ${off}`);

  await addOverrides(engine, { ...OPEN_WEEK, grant: ["labs"], until: "2026-11-23" });
  const granted = (await last()).id;
  engine.at += DAY;
  await expect(undo(engine, granted)).rejects.toThrow("has run out by itself since");

  await setSuspended(engine, true, { user: "bob" });
  const suspended = (await last()).id;
  await change(store, async (tx) => {
    const bob = (await tx.users.find("bob"))!;
    await tx.users.setMembership(bob.id, { tier: bob.tier, status: "active" }, engine.at);
  });
  await expect(undo(engine, suspended)).rejects.toMatchObject({
    message: `${suspended} (users.suspend) cannot be undone: things have changed since`,
    hint: "see what else was done to it: alpha audit --subject user:bob",
  });
});

test("undoing is refused where the change would be, too", async () => {
  const { engine, last } = await prepared();
  await addTier(engine, "team", {});
  const added = (await last()).id;
  await moveUser(engine, "promote", { user: "ada", to: "team" });
  await expect(undo(engine, added)).rejects.toThrow(
    `${added} (tiers.add) cannot be undone: 1 user is on team`,
  );
  await setSetting(engine, { key: "warn_at", value: "50%" });
  const lowered = (await last()).id;
  await setSetting(engine, { key: "block_at", value: "60%" });
  await expect(undo(engine, lowered)).rejects.toThrow(
    `${lowered} (settings.set) cannot be undone: warn_at cannot be 80% again (with warn_at 80% above block_at 60%`,
  );
  await setTier(engine, "free", { rank: 9 });
  const moved = (await last()).id;
  await setTier(engine, "basic", { rank: 1 });
  await expect(undo(engine, moved)).rejects.toThrow("rank 1 is taken by basic");
  await addTier(engine, "start", {});
  await setSetting(engine, { key: "default_tier", value: "start" });
  const elsewhere = (await last()).id;
  await moveUser(engine, "demote", { user: "bob", to: "basic" });
  await removeTier(engine, "free");
  await expect(undo(engine, elsewhere)).rejects.toMatchObject({
    code: "conflict",
    message: `${elsewhere} (settings.set) cannot be undone: default_tier cannot be free again (no tier "free")`,
  });
});

test("a stop that a guardrail turned on since is named, since the audit has it under the guardrail", async () => {
  const { engine, store, last } = await prepared();
  await emergencyOn(engine, { reason: "a look" });
  await emergencyOff(engine, {});
  const off = (await last()).id;
  await setGuardrails(engine, { limits: [{ meter: "tokens", period: "day", limit: 10 }] });
  await store.meter.commit([record("a", { user: "bob", input: 20 }, engine.at)]);
  await expect(undo(engine, off)).rejects.toMatchObject({
    code: "conflict",
    message: `${off} (emergency-stop.off) cannot be undone: a stop of the same scope is on since ${formatInstant(engine.at)}, by guardrail (daily tokens of all testers reached 10)`,
    hint: "see what is on with: alpha emergency-stop status",
  });
});

test("what cannot be undone says what to do instead", async () => {
  const { engine, last, store } = await prepared();
  await addUser(engine, { id: "cleo" });
  const added = (await last()).id;
  await expect(undo(engine, added)).rejects.toMatchObject({
    message: `${added} (users.add) cannot be undone`,
    hint: "take them out again with: alpha users remove",
  });
  const entry = { at: T0, actor: "olga", before: null, after: null, reason: null };
  const imported = await store.write((tx) =>
    tx.records.audited({ ...entry, action: "usage.import", subject: "import:7" }),
  );
  await expect(undo(engine, imported)).rejects.toMatchObject({
    hint: "take it back with: alpha usage undo-import 7",
  });
  await expect(undo(engine, 999)).rejects.toMatchObject({ code: "not-found" });
});

test("a setting that is undone is in force in every process", async () => {
  const { engine, undoLast, open } = await prepared();
  const other = await open();
  expect((await other.meter.settings()).warn_at).toBe(INITIAL_SETTINGS.warn_at);
  await setSetting(engine, { key: "warn_at", value: "50%" });
  expect((await other.meter.settings()).warn_at).toBe(5_000);
  await undoLast();
  expect((await other.meter.settings()).warn_at).toBe(INITIAL_SETTINGS.warn_at);
});
