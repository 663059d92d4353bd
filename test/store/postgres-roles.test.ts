import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { openLimits } from "../../src/index.js";
import { type Home, homeAt, NOW } from "../support/cli.js";
import { commandTree, leaves, offers } from "../support/command-tree.js";
import { connectRaw, createDatabase } from "../support/postgres.js";
import { socketUrl } from "../support/postgres-server.js";
import { populateHome } from "../support/prepared-homes.js";
import { sampleOf } from "../support/samples.js";

const server = inject("postgres");
/** Roles are the whole server's: these are this file's. */
const PREFIX = `t${process.pid}_`;
const ROLES = ["operator", "product", "reporter"] as const;
type Role = (typeof ROLES)[number];

let folder: string;
let template: string;
let owner: pg.Client;
const names: string[] = [];

const url = (name: string, role: Role) => socketUrl(server, name, `${PREFIX}${role}_1`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "alpha-homes-"));
  template = await createDatabase("template1");
  names.push(template);
  mkdirSync(join(folder, template));
  const home = homeAt(join(folder, template), socketUrl(server, template));
  await populateHome(home);
  await home.ok(["emergency-stop", "on", "--user", "bob"]);
  owner = await connectRaw(template);
  const roles = await readFile(new URL("../../docs/postgresql-roles.sql", import.meta.url), "utf8");
  // Twice, as after an upgrade.
  for (let n = 0; n < 2; n++) await owner.query(roles.replaceAll("alpha_", PREFIX));
  for (const role of ROLES) {
    await owner.query(
      `create role ${PREFIX}${role}_1 login password '${server.password}' in role ${PREFIX}${role}`,
    );
  }
  await owner.end();
});

afterAll(async () => {
  const administrator = await connectRaw("postgres");
  for (const name of names) await administrator.query(`drop database ${name} with (force)`);
  for (const role of ROLES) await administrator.query(`drop role ${PREFIX}${role}_1, ${PREFIX}${role}`);
  await administrator.end();
  rmSync(folder, { recursive: true, force: true });
});

/** A copy of the prepared database, and how a role gets there. */
async function copy(): Promise<{ name: string; as: (role: Role) => Promise<pg.Client> }> {
  const name = await createDatabase(template);
  names.push(name);
  return {
    name,
    as: async (role) => {
      const client = new pg.Client(url(name, role));
      await client.connect();
      onTestFinished(() => client.end());
      return client;
    },
  };
}

async function homeOf(role: Role): Promise<Home> {
  const { name } = await copy();
  const path = join(folder, name);
  cpSync(join(folder, template), path, { recursive: true });
  return homeAt(path, url(name, role));
}

/** Makes tables, or a database of its own. */
const OWNERS = new Set(["init", "demo", "db migrate", "db backup", "db restore"]);
const commands = leaves(commandTree())
  .filter(([path]) => !OWNERS.has(path))
  .map(([path, command]) => ({ path, changes: offers(command, "--dry-run") }));

describe.concurrent.each(commands)("alpha $path", ({ path, changes }) => {
  test("is an operator's to run, and a reporter's where it only reads", async () => {
    for (const role of changes ? (["operator"] as const) : (["operator", "reporter"] as const)) {
      const { code, stderr } = await (await homeOf(role)).run(sampleOf(path));
      // What it finds and says is for other tests; 3 is what a server refuses.
      expect({ role, ran: code !== 3 || stderr }).toEqual({ role, ran: true });
    }
  });
});

test("a reporter changes nothing, and is told so", async () => {
  const reporter = await homeOf("reporter");
  for (const args of [
    ["emergency-stop", "on"],
    ["tiers", "set", "free", "--daily-tokens", "1"],
  ]) {
    expect(await reporter.run(args)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^error: the user of .+ may not do that: permission denied/),
    });
  }
});

test("a product does all that the library does, and trips a guardrail", async () => {
  const { name } = await copy();
  const owned = homeAt(join(folder, template), socketUrl(server, name));
  const limits = await openLimits({ database: url(name, "product"), now: () => NOW });
  onTestFinished(() => limits.close());
  const raw = await connectRaw(name);
  onTestFinished(() => raw.end());
  const ask = { user: "cleo", provider: "new", model: "newest", tokens: 100, cost: 10 };
  expect(await limits.check(ask)).toMatchObject({ code: "ok" });
  const { reservation } = await limits.reserve(ask);
  expect(await limits.extend(reservation!.handle)).toBe(true);
  await limits.settlePart(reservation!.handle, { output: 5, cost: 1 }, { part: 1 });
  await limits.settle(reservation!.handle, { output: 50, cost: 5 });
  const other = await limits.reserve(ask);
  await limits.release(other.reservation!.handle);
  await limits.record("ada", { input: 10, output: 5 }, { id: "recorded" });
  await limits.record("ada", { input: 10, output: 5 }, { id: "recorded" });
  expect(await limits.reserve({ user: "bob", tokens: 1 })).toMatchObject({
    decision: { code: "emergency-stop" },
  });
  expect(await limits.reserve({ user: "cleo", tokens: 1_000_000 })).toMatchObject({ reservation: null });
  await raw.query(
    `insert into guardrail (meter, period, limit_amount, action, valid_from) values ('tokens', 'day', 1000, 'stop', 0);
     update generation set config = config + 1`,
  );
  expect(await limits.reserve({ user: "cleo", tokens: 2_000 })).toMatchObject({
    decision: { code: "emergency-stop" },
  });
  expect((await raw.query("select actor from stop where guardrail_id is not null")).rows).toEqual([
    { actor: "guardrail" },
  ]);
  expect((await raw.query("select host from client where kind = 'library'")).rows).toHaveLength(1);
  expect(await owned.ok(["db", "verify"])).toContain("Equal: ");
});

const STOP = "insert into stop (action, actor, guardrail_id, valid_from, valid_to) values";
const ENTRY = "insert into audit_entry (at, actor, action, subject) values";

test("a product can lift no stop, and change nothing that decides or has happened", async () => {
  const { as } = await copy();
  const product = await as("product");
  for (const text of [
    "update stop set valid_to = 1",
    "delete from stop",
    `${STOP} ('throttle', 'olga', null, 1, null)`,
    `${STOP} ('stop', 'guardrail', null, 1, null)`,
    `${ENTRY} (1, 'olga', 'tiers.set', 'tier:free')`,
    "delete from audit_entry",
    "select * from audit_entry",
    "update tier_quota set limit_amount = 1000000",
    "insert into tier_quota select * from tier_quota",
    "update tier_version set call_tokens = -1",
    "update membership set tier_id = 1",
    "update override set limit_amount = 1",
    "insert into override (user_id, kind, valid_from) values (1, 'quota', 1)",
    "insert into forgiveness values (1, 'day', 1, 'tokens', 1, 1)",
    "update setting set value = '1'",
    "update guardrail set limit_amount = 1000000",
    "delete from guardrail_trip",
    "insert into price (provider, model, starts_at, valid_from) values ('', 'x', 1, 1)",
    "update users set key = 'x'",
    "insert into users (key, created_at) values ('x', 1)",
    "update usage_event set cost = 0",
    "delete from usage_event",
    "delete from event_key",
    "delete from usage_window",
    "truncate hold",
    "drop table hold",
    "create table other (id int)",
    "alter table stop disable row level security",
  ]) {
    await expect(product.query(text), text).rejects.toMatchObject({ code: "42501" });
  }
});

test("nobody but the owner changes what is in the ledger, or the schema", async () => {
  const { as } = await copy();
  const operator = await as("operator");
  for (const text of [
    "update usage_event set cost = 0",
    "update kysely_migration set name = 'x'",
    "alter table users add column other int",
  ]) {
    await expect(operator.query(text), text).rejects.toMatchObject({ code: "42501" });
  }
});
