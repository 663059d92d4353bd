import { type Fields, type ReadContext, type Rejection, reject } from "../importer.js";
import { isAbsent, isRejection, readTime } from "../values.js";
import { dayOf } from "./values.js";

const STARTS = ["start_time_iso", "start_time"] as const;
const ENDS = ["end_time_iso", "end_time"] as const;
const TIMES: readonly string[] = [...STARTS, ...ENDS];
const END_IS_EXCLUSIVE = 1;

/** Whether a record begins as every export of OpenAI does. */
export function hasStart(sample: Fields): boolean {
  return STARTS.some((field) => field in sample);
}

/** An export of days without any usage has no other columns than its times. */
export function hasTimesOnly(sample: Fields): boolean {
  return hasStart(sample) && Object.keys(sample).every((column) => TIMES.includes(column));
}

/** Whether a row states nothing but its times: nothing was used then. */
export function isEmptyRow(fields: Fields): boolean {
  return Object.entries(fields).every(([column, value]) => TIMES.includes(column) || isAbsent(value));
}

/** The day of UTC in which a row lies: exports come by the day, hour or minute. */
export function readBucketDay(fields: Fields, { now }: ReadContext): number | Rejection {
  const startField = STARTS.find((field) => !isAbsent(fields[field])) ?? "start_time";
  const start = readTime(fields, startField, now);
  if (isRejection(start)) return start;
  const endField = ENDS.find((field) => !isAbsent(fields[field]));
  if (endField === undefined) return dayOf(start);
  // A running day ends in the future.
  const end = readTime(fields, endField, Number.MAX_SAFE_INTEGER);
  if (isRejection(end)) return end;
  if (end <= start) return reject(endField, "is not after the start");
  if (dayOf(end - END_IS_EXCLUSIVE) === dayOf(start)) return dayOf(start);
  return reject(endField, "is on a later day of UTC than the start; export by the day, hour or minute");
}
