import { expect, test } from "vitest";
import type { Home } from "../support/cli.js";
import { seededHome } from "../support/homes.js";
import { alphaInTerminal, KEY } from "../support/pty.js";

async function seeded(): Promise<Home> {
  const home = await seededHome([
    { id: "ada", email: "ada@example.com", name: "Ada", aliases: ["key-1"] },
    { id: "bob", tier: "pro" },
  ]);
  return home;
}

const READY = { wait: "Email:" };

test("bare on a terminal it asks, with the default tier chosen and every tier described", async () => {
  const home = await seeded();
  const { code, text, raw } = await alphaInTerminal(home, ["users", "add"], {
    columns: 80,
    steps: [
      { ...READY, send: `ada@example.com${KEY.enter}` },
      { wait: "ada@example.com is taken already", send: "\x15" },
      { send: `eve@example.com${KEY.enter}` },
      { wait: "Name (optional):", send: `Eve${KEY.enter}` },
      { wait: "free (Free Alpha)" },
      { wait: "1,000 tokens a day, 5 images a day and $10.00 a month", send: KEY.down },
      { wait: "10,000 tokens a day", send: KEY.enter },
      { wait: "Expected to use it like:" },
      { wait: "not known", send: KEY.enter },
      { wait: "Added eve@example.com" },
    ],
  });
  expect(code).toBe(0);
  expect(text).toContain(
    "on basic (Basic Alpha).\nThey may use: 10,000 tokens a day, 50 images a day and $100.00 a month.",
  );
  expect(raw).toContain("\u001b[32mAdded");
  expect(await home.json(["users", "show", "eve@example.com"])).toMatchObject({
    name: "Eve",
    tier: "basic",
    persona: null,
  });
});

test("what was given is not asked for", async () => {
  const home = await seeded();
  const { code } = await alphaInTerminal(home, ["users", "add", "--tier", "pro", "--persona", "power"], {
    steps: [
      { ...READY, send: `eve@example.com${KEY.enter}` },
      { wait: "Name (optional):", send: KEY.enter },
    ],
  });
  expect(code).toBe(0);
  expect(await home.json(["users", "show", "eve@example.com"])).toMatchObject({
    name: null,
    tier: "pro",
    persona: "power",
  });
});

test("Ctrl-C at any question changes nothing", async () => {
  const home = await seeded();
  for (const steps of [
    [{ ...READY, send: KEY.ctrlC }],
    [
      { ...READY, send: `eve@example.com${KEY.enter}` },
      { wait: "Name (optional):", send: `Eve${KEY.enter}` },
      { wait: "Tier:", send: KEY.ctrlC },
    ],
  ]) {
    const { code, text } = await alphaInTerminal(home, ["users", "add"], { steps });
    expect(code).toBe(130);
    expect(text).toContain("error: nothing was changed");
  }
  expect(await home.json(["users", "list"])).toHaveLength(2);
});

test("on a terminal with --no-input it does not ask", async () => {
  const home = await seeded();
  const { code, text } = await alphaInTerminal(home, ["users", "add", "--no-input"]);
  expect(code).toBe(2);
  expect(text).toContain("a new user needs an email address or an id");
});

test.each([80, 120])("on a terminal of %i columns nothing is wider, and bars are drawn", async (columns) => {
  const home = await seeded();
  for (const args of [
    ["list"],
    ["show", "ada"],
    ["promote", "ada", "--dry-run"],
    ["demote", "bob", "--dry-run"],
  ]) {
    const { text, code } = await alphaInTerminal(home, ["users", ...args, "--database", home.database], {
      columns,
    });
    expect(code).toBe(0);
    const lines = text.split("\n").filter((line) => !line.includes(home.shown));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    if (args[0] === "show") expect(text).toContain("░░░░");
  }
});
