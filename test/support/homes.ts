import { inject, onTestFinished } from "vitest";
import type { AddUser } from "../../src/engine/users.js";
import { freshHome, type Home, homeAt } from "./cli.js";
import { type Seed, seededDatabase } from "./engine-on.js";
import { createDatabase, dropDatabase } from "./postgres.js";
import { TEMPLATE, tcpUrl } from "./postgres-server.js";
import { tempFolder } from "./store.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the homes of a project of the tests have their databases. */
    store: "sqlite" | "postgres";
  }
}

/** Whether they are on PostgreSQL. */
export const onServer = inject("store") === "postgres";

/** What is said of a home that has no database. */
export function absent(home: Home): string {
  return onServer
    ? `error: ${home.shown} holds no alpha database\nhint: create one with: alpha init\n`
    : `error: there is no database at ${home.shown}\nhint: create it with: alpha init\n`;
}

/** A database on the server that nothing was put into. */
export const BLANK = "template1";

/** A home for one test with no database of alpha's; on PostgreSQL there is a blank one at its address. */
export function emptyHome(): Promise<Home> {
  return homeFrom(BLANK);
}

/** A home for one test whose database was initialised, and has testers and what else is put there. */
export async function seededHome(users: readonly AddUser[], seed: Seed = {}): Promise<Home> {
  const home = await homeFrom(TEMPLATE);
  await seededDatabase(home.database, users, seed);
  return home;
}

async function homeFrom(template: string): Promise<Home> {
  if (!onServer) return freshHome();
  const folder = tempFolder();
  const made: string[] = [];
  onTestFinished(() => made.forEach(dropDatabase));
  const home = await homeOnServer(folder, template);
  made.push(home.name);
  return home;
}

/** A home whose database, of that name on the tests' server, the caller drops. The program is asked for a password there. */
export async function homeOnServer(
  folder: string,
  template: string,
): Promise<Home & { readonly name: string }> {
  const name = await createDatabase(template);
  return { ...homeAt(folder, tcpUrl(inject("postgres"), name)), name };
}
