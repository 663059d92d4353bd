// How fast the command line feels: whole processes, against Node doing nothing and against itself on less data.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeUsage } from "./data.mjs";
import { figure, inTurn, timeProcess } from "./harness.mjs";

const BIN = fileURLToPath(new URL("../bin/alpha.js", import.meta.url));
const ROUNDS = 11;
const MONTH = "2026-10";

export default async function* cliBench() {
  const folder = mkdtempSync(join(tmpdir(), "alpha-bench-"));
  try {
    yield* figures(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* figures(folder) {
  const node = () => timeProcess(process.execPath, ["-e", "0"]);
  const small = database(folder, "small", 150_000);
  yield figure({
    name: "alpha --version : node -e 0",
    unit: "ms",
    bound: "<= 1.6",
    ...(await inTurn(ROUNDS, () => timeProcess(process.execPath, [BIN, "--version"]), node)),
  });
  yield figure({
    name: "alpha users list, 1,000 users : node -e 0",
    unit: "ms",
    bound: "<= 2.5",
    ...(await inTurn(ROUNDS, () => alpha(small, ["users", "list"]), node)),
  });

  const large = database(folder, "large", 1_000_000);
  for (const by of ["user", "tier", "model", "provider", "feature", "day"]) {
    const report = ["usage", "report", "--month", MONTH, "--by", by];
    yield figure({
      name: `alpha usage report --by ${by}, 1,000,000 : 150,000 events`,
      unit: "ms",
      bound: "<= 1.3",
      ...(await inTurn(
        ROUNDS,
        () => alpha(large, report),
        () => alpha(small, report),
      )),
    });
  }
}

function alpha(path, args) {
  return timeProcess(process.execPath, [BIN, ...args], { env: { ...process.env, ALPHA_DATABASE: path } });
}

/** A database with 1,000 users and so many events, laid out so that any number of them fills the same report cells. */
function database(folder, name, events) {
  const path = join(folder, `${name}.db`);
  const users = join(folder, "users.csv");
  const usage = join(folder, `${name}.jsonl`);
  writeFileSync(
    users,
    ["email,id", ...Array.from({ length: 1_000 }, (_, n) => `user${n}@example.com,user${n}`)].join("\n"),
  );
  writeUsage(usage, { events, users: 1_000, days: 30, month: MONTH });
  alpha(path, ["init"]);
  alpha(path, ["users", "add", "--from", users]);
  alpha(path, ["usage", "import", usage]);
  rmSync(usage);
  return path;
}
