import type { TokenBuckets } from "../domain/usage.js";
import type { RecordFields } from "./record-fields.js";

/** Token counts as a log states them; `null`: it does not. */
export interface StatedTokens {
  readonly input: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly output: number | null;
  readonly reasoning: number | null;
  /** Of everything together. Loggers write 0 where they do not know it. */
  readonly total: number | null;
}

export interface TokenHabit {
  /** Where the log says no total: are cached and reasoning tokens inside the input and the output, or beside them? */
  readonly parts: "inside" | "beside";
  /** What the log calls these, for the reasons of rejects. */
  readonly input: string;
  readonly output: string;
  readonly total: string;
}

/** The tokens that a log states beside input and output, and not as a part of them. */
interface Beside {
  readonly cached: number;
  readonly reasoning: number;
}

/**
 * Sorts stated counts into disjoint buckets. Logs differ in whether their input includes what was cached and their
 * output what was reasoning: the total decides. A record that adds up in no way is rejected through `fields`. Where
 * cached and reasoning tokens are as many, two ways add up: whoever states both has what was cached inside the input, and
 * some of them, such as xAI and Gemini, the reasoning beside the output.
 */
export function disjointTokens(fields: RecordFields, stated: StatedTokens, habit: TokenHabit): TokenBuckets {
  const { input, cacheRead, cacheWrite, output, reasoning } = zeros(stated);
  const cached = cacheRead + cacheWrite;
  const total = stated.total ?? 0;
  const partly = [
    { cached: 0, reasoning },
    { cached, reasoning: 0 },
  ];
  const inside = { cached: 0, reasoning: 0 };
  const beside = { cached, reasoning };
  const ways = habit.parts === "inside" ? [inside, ...partly, beside] : [beside, ...partly, inside];
  const fitting = total === 0 ? ways.slice(0, 1) : ways.filter((way) => sum(input, output, way) === total);
  const isSound = (way: Beside) => cached <= input + way.cached && reasoning <= output + way.reasoning;
  const way = fitting.find(isSound) ?? fitting[0];
  if (!way) {
    fields.reject(habit.total, `is ${total}, but input and output add up to ${input + output}`);
    return zeros(stated);
  }
  const whole = { input: input + way.cached, output: output + way.reasoning };
  if (cached > whole.input) fields.reject(habit.input, `is ${input}, but includes ${cached} cached tokens`);
  if (reasoning > whole.output) {
    fields.reject(habit.output, `is ${output}, but includes ${reasoning} reasoning tokens`);
  }
  return { input: whole.input - cached, cacheRead, cacheWrite, output: whole.output, reasoning };
}

function sum(input: number, output: number, beside: Beside): number {
  return input + output + beside.cached + beside.reasoning;
}

function zeros({ input, cacheRead, cacheWrite, output, reasoning }: StatedTokens): TokenBuckets {
  return {
    input: input ?? 0,
    cacheRead: cacheRead ?? 0,
    cacheWrite: cacheWrite ?? 0,
    output: output ?? 0,
    reasoning: reasoning ?? 0,
  };
}
