import { expect, test } from "vitest";
import { program } from "../support/processes.js";
import { expectRoom, expectWhole, killAll, VICTIMS } from "./children/engine-kills.js";
import { postgresWith, quiet } from "./children/postgres-parent.js";

const KILLS = 104;

const victims = program(new URL("children/engine-victim.ts", import.meta.url));

test(`clients killed ${KILLS} times while they reserve, extend, settle and record lose nothing that was confirmed`, async () => {
  const database = await postgresWith(VICTIMS);
  const confirmed = await killAll(await victims.start(), database.url, KILLS);
  expect(confirmed.counted.length).toBeGreaterThan(KILLS * 5);
  await quiet(database);
  await expectWhole(database.query, confirmed);
  await expectRoom(database.url);
}, 300_000);
