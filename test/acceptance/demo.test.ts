import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { freshHome, NOW } from "../support/cli.js";

describe("alpha demo", () => {
  it("onboards, imports, reports, promotes, stops, refuses and lifts", async () => {
    const home = freshHome();
    const { code, stdout, stderr } = await home.run(["demo"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const acts = [
      "$ alpha init",
      "Added 7 testers.",
      "Inserted       1,483",
      "$ alpha usage report --since 2026-10-23",
      "Promoted emil@example.com from free to basic",
      "basic_seo",
      "decision  allow",
      "Stopped: all calls",
      "decision  block",
      "Lifted: all calls",
      "Three commands to try next:",
    ];
    const places = acts.map((act) => stdout.indexOf(act));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(stdout).toMatch(/assumed to cost \$130\.45/);
  });

  it("ends with three commands", async () => {
    const { stdout } = await freshHome().run(["demo"]);
    const after = stdout.slice(stdout.indexOf("Three commands to try next:"));
    expect(after.match(/^ {2}alpha /gm)).toHaveLength(3);
  });

  it("touches nothing of the operator's and leaves nothing behind", async () => {
    const home = freshHome();
    await home.run(["demo"], { env: { TMPDIR: home.path } });
    expect(readdirSync(home.path)).toEqual([]);
  });

  it.each([
    ["seconds after midnight", Date.UTC(2026, 10, 22, 0, 0, 3)],
    ["on the first of a month", Date.UTC(2027, 0, 1, 9, 0, 0)],
    ["just before midnight", Date.UTC(2028, 1, 29, 23, 59, 50)],
  ])("works %s", async (_name, now) => {
    const data = await freshHome().json(["demo"], { now });
    const byVerb = new Map(
      data.map((step: { command: string[] }) => [step.command.slice(1, 3).join(" "), step]),
    );
    expect(byVerb.get("usage import")).toMatchObject({
      exit_code: 0,
      output: { data: { total: { inserted: 1_483, rejected: 0 } } },
    });
    const checks = data.filter((step: { command: string[] }) => step.command[1] === "check");
    expect(checks.map((step: { exit_code: number }) => step.exit_code)).toEqual([0, 4]);
    expect(checks[1].output.data.code).toBe("emergency-stop");
  });

  it("is the same each time", async () => {
    const once = (await freshHome().ok(["demo"], { now: NOW })).replace(/alpha-demo-\w+/g, "alpha-demo");
    const again = (await freshHome().ok(["demo"], { now: NOW })).replace(/alpha-demo-\w+/g, "alpha-demo");
    expect(again).toBe(once);
  });
});
