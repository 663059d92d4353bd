import fc from "fast-check";
import { expect, test } from "vitest";
import { type Step, standsUpon, undoneBy } from "../../src/domain/undoing.js";

function step(id: number, root = id, things: readonly string[] = ["a"]): Step {
  return { id, root, things };
}
const upon = (steps: readonly Step[], id: number) => standsUpon(steps, stepOf(steps, id))?.id ?? null;
const undone = (steps: readonly Step[], id: number) => undoneBy(steps, stepOf(steps, id))?.id ?? null;
const stepOf = (steps: readonly Step[], id: number) => steps.find((each) => each.id === id) as Step;

test("the last change of a thing can be undone, and those before it once it was", () => {
  const changes = [step(1), step(2), step(3, 3, ["b"])];
  expect(changes.map(({ id }) => upon(changes, id))).toEqual([2, null, null]);
  const withoutSecond = [...changes, step(4, 2)];
  expect(withoutSecond.map(({ id }) => upon(withoutSecond, id))).toEqual([null, 4, null, null]);
});

test("an undoing can be undone, which is what was at first", () => {
  const again = [step(1), step(2, 1), step(3, 1)];
  expect(again.map(({ id }) => upon(again, id))).toEqual([null, 3, null]);
  expect(again.map(({ id }) => undone(again, id))).toEqual([null, 3, null]);
});

test("a change to the same and back is built upon: two changes came after it", () => {
  expect(upon([step(1), step(2), step(3)], 1)).toBe(3);
});

test("a change about several things is built upon by a change of any of them", () => {
  const steps = [step(1, 1, ["tier", "override"]), step(2, 2, ["override"]), step(3, 3, ["status"])];
  expect(upon(steps, 1)).toBe(2);
  expect(undone(steps, 1)).toBeNull();
});

/** Things whose every change gives them a value that they never had. */
class Model {
  readonly steps: Step[] = [];
  readonly #values = new Map<string, number>();
  readonly #states = new Map<number, { readonly before: number[]; readonly after: number[] }>();

  valuesOf(things: readonly string[]): number[] {
    return things.map((thing) => this.#values.get(thing) ?? 0);
  }

  leftBy(id: number): number[] {
    return this.#states.get(id)?.after ?? [];
  }

  change(things: readonly string[]): void {
    const id = this.steps.length + 1;
    this.#turn(
      id,
      id,
      things,
      things.map((_, n) => id * 10 + n),
    );
  }

  undo({ id, root, things }: Step): void {
    this.#turn(this.steps.length + 1, root, things, this.#states.get(id)?.before ?? []);
  }

  #turn(id: number, root: number, things: readonly string[], after: number[]): void {
    this.#states.set(id, { before: this.valuesOf(things), after });
    for (const [n, thing] of things.entries()) this.#values.set(thing, after[n] as number);
    this.steps.push({ id, root, things });
  }
}

test("nothing stands upon a step exactly while all that it changed is as it left it", () => {
  const things = fc.subarray(["a", "b", "c"], { minLength: 1 });
  const moves = fc.array(
    fc.oneof(
      things.map((changed) => ({ changed }) as const),
      fc.nat().map((undo) => ({ undo }) as const),
    ),
    { maxLength: 25 },
  );
  fc.assert(
    fc.property(moves, (all) => {
      const model = new Model();
      for (const move of all) {
        if ("changed" in move) {
          model.change(move.changed);
        } else {
          const free = model.steps.filter((each) => standsUpon(model.steps, each) === null);
          const chosen = free[move.undo % Math.max(1, free.length)];
          if (chosen !== undefined) model.undo(chosen);
        }
        for (const each of model.steps) {
          const asLeft = model.valuesOf(each.things).join() === model.leftBy(each.id).join();
          expect(standsUpon(model.steps, each) === null).toBe(asLeft);
        }
      }
    }),
    { numRuns: 300 },
  );
});
