import { expect } from "vitest";
import { commandTree, leaves } from "./command-tree.js";
import { onServer } from "./homes.js";
import { HOLD } from "./prepared-homes.js";

/**
 * One sensible way of running each command in a prepared home. A command that is not here fails the tests that run
 * every command: a new one is listed here, and is then held to what holds for all.
 */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  demo: [],
  init: ["--daily-budget", "25"],
  "users add": ["eve@example.com", "--tier", "basic", "--alias", "key-9"],
  "users list": [],
  "users show": ["ada@example.com"],
  "users promote": ["ada@example.com", "--reason", "asked for it"],
  "users demote": ["ada@example.com"],
  "users suggest": ["--days", "1", "--apply", "--yes"],
  "users suspend": ["ada@example.com"],
  "users resume": ["dana"],
  "users override add": [
    "ada@example.com",
    "--daily-tokens",
    "5000",
    "--deny",
    "seo_analysis",
    "--reason",
    "demo",
  ],
  "users override list": [],
  "users override revoke": ["cleo", "tokens/day"],
  "users reset": ["ada@example.com"],
  "users persona": ["ada@example.com", "power", "--reason", "writes all day"],
  "users rename": ["ada@example.com", "ada@lovelace.example", "--name", "Ada King"],
  "users alias add": ["ada", "key-9"],
  "users alias remove": ["ada", "key-7f3a-old"],
  "users remove": ["bob", "--yes"],
  "users erase": ["bob", "--yes"],
  "tiers list": [],
  "tiers show": ["free"],
  "tiers add": ["team", "--daily-tokens", "100,000", "--monthly-cost", "800", "--feature", "labs"],
  "tiers set": ["free", "--daily-tokens", "2000", "--add-feature", "labs"],
  "tiers simulate": ["free", "--daily-tokens", "10"],
  "tiers remove": ["spare", "--yes"],
  "usage import": ["usage.jsonl"],
  "usage record": ["ada", "--provider", "openai", "--model", "gpt-4o", "--input-tokens", "1200"],
  "usage events": [],
  "usage imports": [],
  "usage undo-import": ["1", "--yes"],
  "usage report": [],
  "usage export": ["export.jsonl", "--yes"],
  "usage reprice": ["--yes"],
  "prices list": [],
  "prices show": ["gpt-4o"],
  "prices set": ["gpt-image-1", "--image", "0.05", "--from", "2026-10-01"],
  "prices remove": ["gpt-image-1", "--yes"],
  reconcile: ["openai-usage.csv", "openai-cost.csv", "--tolerance", "1%"],
  check: ["ada@example.com", "--tokens", "1200", "--feature", "blog_writer"],
  explain: ["ada@example.com", "--tokens", "1200", "--feature", "blog_writer"],
  "emergency-stop on": ["--user", "ada", "--for", "2h"],
  "emergency-stop off": [],
  "emergency-stop status": [],
  status: [],
  alerts: ["--new"],
  doctor: [],
  "guardrails show": [],
  "guardrails set": ["--daily-cost", "25", "--reason", "the budget"],
  "guardrails clear": ["--monthly-cost", "--yes"],
  "holds list": [],
  "holds release": [HOLD],
  "reset daily": [],
  "cron show": [],
  "db info": [],
  "db migrate": [],
  "db backup": ["copy.db"],
  "db restore": ["alpha-backup.db", "--yes"],
  "db move": ["--to", "moved.db", "--yes"],
  "db verify": [],
  "db rebuild": [],
  "db prune": ["--before", "2026-11-01", "--yes"],
  audit: [],
  undo: ["5"],
  "settings list": [],
  "settings get": ["warn_at"],
  "settings set": ["warn_at", "75%", "--reason", "earlier"],
  completion: ["bash"],
};

/** The sample of a command, as a whole command line without `alpha`. */
export function sampleOf(path: string): string[] {
  const sample = SAMPLES[path];
  if (sample === undefined) throw new Error(`alpha ${path} has no sample in test/support/samples.ts`);
  return [...path.split(" "), ...sample];
}

/** They say that a server is backed up with programs of its own; test/acceptance/postgres-backups.test.ts has them. */
const OF_FILES = ["db backup", "db restore"];

/** The commands that do their work on the databases of the homes. */
export function workingCommands(): ReturnType<typeof leaves> {
  return leaves(commandTree()).filter(([path]) => !onServer || !OF_FILES.includes(path));
}

/** The exit code of a sample: 0, but that doctor may find the tests' server unsafe, which gives safety for speed. */
export function exitOf(path: string): unknown {
  return onServer && path === "doctor" ? expect.toBeOneOf([0, 1]) : 0;
}

/** Samples of commands that there are no more. */
export function staleSamples(): string[] {
  const known = new Set(leaves(commandTree()).map(([path]) => path));
  return Object.keys(SAMPLES).filter((path) => !known.has(path));
}
