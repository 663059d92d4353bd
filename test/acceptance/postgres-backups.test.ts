import { expect, inject, onTestFinished, test } from "vitest";
import { homeAt } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { OLD_USAGE } from "../support/old-usage.js";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { TEMPLATE, tcpUrl } from "../support/postgres-server.js";
import { tempFolder } from "../support/store.js";

test("backups of a server are PostgreSQL's own, and their commands are told without the password", async () => {
  const server = inject("postgres");
  const name = await createDatabase(TEMPLATE);
  onTestFinished(() => dropDatabase(name));
  const home = homeAt(tempFolder(), tcpUrl(server, name));
  await seededDatabase(home.database, ...OLD_USAGE);
  const backup = await home.run(["db", "backup", "copy.db"]);
  expect(backup).toMatchObject({ code: 2, stdout: "" });
  expect(backup.stderr).toContain(`hint: pg_dump --format=custom --file=alpha.dump '${home.shown}'`);
  const restore = await home.run(["db", "restore", "copy.db", "--yes"]);
  expect(restore).toMatchObject({ code: 2, stdout: "" });
  expect(restore.stderr).toContain("pg_restore");
  expect(restore.stderr).toContain("alpha emergency-stop on");
});
