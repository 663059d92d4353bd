import { bar, count } from "./text.js";

/** How far a long task has come; `done` and `total` are in the same unit, `total` null where nobody can tell. */
export interface ProgressView {
  readonly what: string;
  readonly done: number;
  readonly total: number | null;
  /** `null`: it is not about records. */
  readonly records: number | null;
  readonly rejected: number;
  /** Since it began. */
  readonly seconds: number;
}

const NARROWEST_BAR = 8;
const WIDEST_BAR = 40;

/** One line for a terminal of so many columns, with a bar as wide as the rest leaves. Never as wide as the terminal. */
export function progressBar(view: ProgressView, columns: number): string {
  const ratio = ratioOf(view);
  const share = ratio === null ? "" : ` ${percentOf(ratio)}`;
  const figures = `${share}  ${figuresOf(view).join(", ")}`;
  const room = Math.min(columns - 1 - `${view.what} ${figures}`.length, WIDEST_BAR);
  const drawn = ratio === null || room < NARROWEST_BAR ? "" : ` ${bar(ratio, room)}`;
  return `${view.what}${drawn}${figures}`.slice(0, columns - 1);
}

/** One line for a log. */
export function progressText(view: ProgressView): string {
  const ratio = ratioOf(view);
  const share = ratio === null ? "" : ` (${percentOf(ratio)})`;
  return `${view.what}${share}: ${figuresOf(view).join(", ")}`;
}

function ratioOf({ done, total }: ProgressView): number | null {
  return total === null || total === 0 ? null : Math.min(1, done / total);
}

function percentOf(ratio: number): string {
  return `${Math.floor(100 * ratio)}%`;
}

function figuresOf({ done, total, records, rejected, seconds }: ProgressView): string[] {
  const figures = records === null ? [] : [`${count(records)} records`];
  if (rejected > 0) figures.push(`${count(rejected)} rejected`);
  if (records !== null && seconds > 0) figures.push(`${count(Math.round(records / seconds))}/s`);
  if (total !== null && done > 0) {
    figures.push(`${durationText((seconds * Math.max(0, total - done)) / done)} left`);
  }
  return figures;
}

/** `7 s`, `1 min 30 s`, `2 h 5 min`. */
function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${count(Math.floor(whole / 3600))} h ${Math.floor((whole % 3600) / 60)} min`;
}
