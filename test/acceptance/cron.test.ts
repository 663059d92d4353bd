import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { BIN_PATH, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { emptyHome, onServer, seededHome } from "../support/homes.js";

const DAY = 86_400_000;

/** What cron hands to the shell: the line after its five fields, with the escaped % undone. */
function commandOf(line: string): string {
  const match = /^5 \* \* \* \* (.+)$/.exec(line);
  if (match === null) throw new Error(`not a crontab line: ${line}`);
  const command = match[1] as string;
  expect(command.replaceAll("\\%", "")).not.toContain("%");
  return command.replaceAll("\\%", "%");
}

test("the line can be pasted: cron's bare shell runs it, whatever is in the path", async () => {
  const home = await emptyHome();
  const folder = join(home.path, 'it\'s 100% "a b" $HOME');
  mkdirSync(folder);
  const database = join(folder, "alpha.db");
  await seededDatabase(database, [], { at: NOW });
  const line = (await home.ok(["cron", "show", "--only", "crontab", "--database", database])).trimEnd();
  expect(line).not.toContain("\n");
  const output = execFileSync("/bin/sh", ["-c", commandOf(line)], {
    cwd: "/",
    env: {
      NODE_OPTIONS: home.env.NODE_OPTIONS ?? "",
      TEST_NOW: String(NOW + 2 * DAY),
      HOME: "/nowhere",
      PATH: "",
    },
    encoding: "utf8",
  });
  expect(output).toBe("");
  const db = new Sqlite(database, { readonly: true });
  expect(db.prepare("select actor from reset_run").all()).toEqual([{ actor: "cron" }, { actor: "cron" }]);
  db.close();
});

test("paths are absolute, and the database is the one that was meant", async () => {
  const home = await seededHome([], { timeZone: "Asia/Kathmandu" });
  const named = onServer ? home.database : "alpha.db";
  const data = await home.json(["cron", "show", "--database", named], { cwd: home.path });
  expect(data).toMatchObject({
    command: [process.execPath, BIN_PATH, "reset", "daily", "--database", home.shown],
    database: home.shown,
    time_zone: "Asia/Kathmandu",
  });
  expect(data.crontab).toBe(`5 * * * * ${data.command.join(" ")}`);
  expect(data.systemd.map((unit: { path: string }) => unit.path)).toEqual([
    "/etc/systemd/system/alpha-reset.service",
    "/etc/systemd/system/alpha-reset.timer",
  ]);
  expect(data.systemd[0].text).toContain(`ExecStart="${process.execPath}" "${BIN_PATH}" "reset" "daily"`);
  expect(data.systemd[1].text).toContain("Persistent=true");
});

test("shown whole, it explains itself in comments, so that all of it may be pasted", async () => {
  const home = await seededHome([]);
  const all = await home.ok(["cron", "show"]);
  const crontab = await home.ok(["cron", "show", "--only", "crontab"]);
  const systemd = await home.ok(["cron", "show", "--only", "systemd"]);
  expect(all).toContain(crontab);
  expect(all).toContain(systemd);
  const beforeUnits = all.slice(0, all.indexOf("[Unit]")).split("\n");
  const said = beforeUnits.filter((line) => line !== "" && !line.startsWith("#"));
  expect(said).toEqual([crontab.trimEnd()]);
  const csv = await home.ok(["cron", "show", "--only", "crontab", "--format", "csv"]);
  expect(csv).toMatch(/^file,text\ncrontab,"?5 \* \* \* \* .+\n$/);
  expect(await home.ok(["cron", "show", "--only", "systemd", "--format", "markdown"])).toMatch(
    /^\| file \| text \|\n\| --- \| --- \|\n\| \/etc\S+service \| .+ \|\n\| \/etc\S+timer \| .+ \|\n$/,
  );
});

test("without a database exit 3; with a wrong word exit 2; help has examples", async () => {
  const home = await emptyHome();
  const none = await home.run(["cron", "show"]);
  expect(none.code).toBe(3);
  expect(none.stderr).toContain("alpha init");
  const wrong = await home.run(["cron", "show", "--only", "launchd"]);
  expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({ code: 2, stdout: "" });
  expect(await home.ok(["cron", "show", "--help"])).toContain("Examples:\n  $ alpha cron show");
});
