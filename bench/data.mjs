// Usage for the benchmarks: made by rule, the same on every run.
import { closeSync, openSync, writeSync } from "node:fs";

const MODELS = [
  { provider: "openai", model: "gpt-4o", feature: "blog_writer" },
  { provider: "openai", model: "gpt-4o-mini", feature: "basic_seo" },
  { provider: "anthropic", model: "claude-sonnet-4-5", feature: "blog_writer" },
  { provider: "google", model: "gemini-2.5-flash", feature: "seo_analysis" },
  { provider: "mistral", model: "mistral-large-latest", feature: "content_planning" },
];

/**
 * Writes JSONL in the native format, in order of time. Event n belongs to cell n modulo the number of cells (users times
 * days times models), so that every multiple of it fills all cells evenly.
 */
export function writeUsage(path, { events, users, days, month }) {
  const cells = users * days * MODELS.length;
  const perCell = Math.ceil(events / cells);
  const file = openSync(path, "w");
  let lines = [];
  let written = 0;
  for (let day = 0; day < days; day += 1) {
    const date = `${month}-${String(day + 1).padStart(2, "0")}`;
    for (let round = 0; round < perCell; round += 1) {
      for (let inDay = 0; inDay < users * MODELS.length && written < events; inDay += 1) {
        // The last round is filled only as far as the events reach, evenly over the days.
        if (round === perCell - 1 && inDay >= (events - (perCell - 1) * cells) / days) break;
        lines.push(record(written, date, round * users * MODELS.length + inDay, inDay, users));
        written += 1;
        if (lines.length === 10_000) flush();
      }
    }
  }
  flush();
  closeSync(file);
  return written;

  function flush() {
    if (lines.length > 0) writeSync(file, `${lines.join("\n")}\n`);
    lines = [];
  }
}

function record(n, date, inDay, cell, users) {
  const { provider, model, feature } = MODELS[cell % MODELS.length];
  const second = Math.floor(inDay / 4) % 86_400;
  const time = new Date(second * 1000 + (inDay % 4) * 250).toISOString().slice(11);
  return JSON.stringify({
    id: `evt-${String(n).padStart(9, "0")}`,
    timestamp: `${date}T${time}`,
    user: `user${Math.floor(cell / MODELS.length) % users}`,
    provider,
    model,
    feature,
    input_tokens: 50 + ((n * 7919) % 1_500),
    output_tokens: 10 + ((n * 104_729) % 400),
  });
}
