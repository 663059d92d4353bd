import { expect, test } from "vitest";
import { nearnessOf } from "../../src/domain/nearness.js";
import { decideOn, stopOf, testerOn, tierNamed, tierWith, usedUp } from "../support/decision.js";

const nothing = {
  provider: "",
  model: "",
  feature: "",
  unpriced: false,
  statesAmounts: false,
  amounts: { tokens: 0, images: 0, cost: 0, requests: 0 },
};
const near = (input: Parameters<typeof decideOn>[0]) => nearnessOf(decideOn({ ask: nothing, ...input }));
const free = tierNamed("free");

test.each([
  // Free Alpha: 1,000 tokens, near from 800 on, blocked from 950 on.
  [799, "free", "ok"],
  [800, "near", "near-limit"],
  [949, "near", "near-limit"],
  [950, "blocked", "quota-exhausted"],
])("%s of 1,000 tokens used: %s", (tokens, state, code) => {
  expect(near({ user: testerOn(free, { day: usedUp({ tokens }) }) })).toMatchObject({
    state,
    code,
    quota: { meter: "tokens", period: "day", used: tokens },
  });
});

test("what is held counts, and what was forgiven does not", () => {
  const user = testerOn(free, { day: usedUp({ tokens: 900 }, { tokens: 800 }), held: { tokens: 700 } });
  expect(near({ user })).toMatchObject({ state: "near", quota: { used: 100, held: 700 } });
});

test("the quota that blocks is named before a fuller one that does not, and the fullest where none does", () => {
  const quotas = [
    { meter: "images", period: "day", limit: 10 },
    { meter: "tokens", period: "day", limit: 100 },
  ] as const;
  const user = testerOn(tierWith(...quotas), { day: usedUp({ images: 6, tokens: 59 }) });
  expect(near({ user })).toMatchObject({ state: "free", quota: { meter: "images" } });
  const fuller = testerOn(tierWith(...quotas), { day: usedUp({ images: 9, tokens: 96 }) });
  expect(near({ user: fuller })).toMatchObject({ state: "blocked", quota: { meter: "tokens" } });
});

test("tokens or images that are switched off block nobody; requests or cost that are do", () => {
  const off = (meter: "tokens" | "images" | "cost" | "requests") =>
    near({ user: testerOn(tierWith({ meter, period: "day", limit: 0 })) });
  expect(off("images")).toEqual({ state: "free", code: "ok", quota: null });
  expect(off("tokens")).toEqual({ state: "free", code: "ok", quota: null });
  expect(off("requests")).toMatchObject({ state: "blocked", code: "quota-disabled" });
  expect(off("cost")).toMatchObject({ state: "blocked", code: "quota-disabled" });
});

test("who is suspended or stopped is blocked, by no quota", () => {
  const user = testerOn(free, { day: usedUp({ tokens: 960 }) });
  expect(near({ user: { ...user, status: "suspended" } })).toEqual({
    state: "blocked",
    code: "user-suspended",
    quota: null,
  });
  expect(near({ user, stops: [stopOf()] })).toMatchObject({ state: "blocked", code: "emergency-stop" });
});

test("nobody is near anything without limits", () => {
  expect(near({ user: testerOn(tierWith()) })).toEqual({ state: "free", code: "ok", quota: null });
});
