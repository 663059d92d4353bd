import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { program } from "../support/processes.js";
import { expectRoom, expectWhole, killAll, VICTIMS } from "./children/engine-kills.js";
import { databaseWith } from "./children/engine-parent.js";

const KILLS = 208;

const victims = program(new URL("children/engine-victim.ts", import.meta.url));

test(`killed ${KILLS} times while they reserve, extend, settle and record, they lose nothing that was confirmed`, async () => {
  const path = await databaseWith(VICTIMS);
  const confirmed = await killAll(await victims.start(), path, KILLS);
  expect(confirmed.counted.length).toBeGreaterThan(KILLS * 5);
  const raw = new Sqlite(path);
  onTestFinished(() => void raw.close());
  expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
  await expectWhole(async (text) => raw.prepare(text).all(), confirmed);
  await expectRoom(path);
}, 300_000);
