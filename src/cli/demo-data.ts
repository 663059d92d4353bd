import { readFileSync } from "node:fs";
import { formatInstant } from "../domain/window.js";

const DAY = 86_400_000;

/** A tester of the demo. `startedDay` counts back from today. */
export interface DemoTester {
  readonly email: string;
  readonly name: string;
  readonly id: string;
  readonly tier: string;
  readonly persona: string;
  readonly startedDay: number;
}

function rows(name: string): Record<string, string>[] {
  const text = readFileSync(new URL(`../data/demo/${name}`, import.meta.url), "utf8");
  // The files are the project's own and hold neither quotes nor commas in a field.
  const [head = "", ...lines] = text.trimEnd().split("\n");
  const columns = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""]));
  });
}

export function demoTesters(): DemoTester[] {
  return rows("testers.csv").map((row) => ({
    email: row.email ?? "",
    name: row.name ?? "",
    id: row.id ?? "",
    tier: row.tier ?? "",
    persona: row.persona ?? "",
    startedDay: Number(row.started_day),
  }));
}

export function testersCsv(testers: readonly DemoTester[]): string {
  const lines = testers.map(({ email, name, id, tier, persona }) =>
    [email, name, id, tier, persona].join(","),
  );
  return `${["email,name,id,tier,persona", ...lines].join("\n")}\n`;
}

/** The demo's usage in the native format, laid onto the days before `now`. */
export function demoUsageCsv(now: number): string {
  const today = Math.floor(now / DAY) * DAY;
  const lines = rows("usage.csv").map((row) => {
    const at = today - Number(row.day) * DAY + Number(row.second) * 1000;
    return [
      `demo-${row.tester}-${row.day}-${row.second}`,
      formatInstant(at),
      row.tester,
      row.provider,
      row.model,
      row.feature,
      row.input_tokens,
      row.output_tokens,
      row.images,
    ].join(",");
  });
  return `${["id,timestamp,user,provider,model,feature,input_tokens,output_tokens,images", ...lines].join("\n")}\n`;
}

/** Midnight of the day that is so many days before `now`, in UTC. */
export function daysBefore(now: number, days: number): number {
  return Math.floor(now / DAY) * DAY - days * DAY;
}
