/** A change that can be undone, or an undoing, as an entry of the audit. */
export interface Step {
  /** The entry's number; a later entry has a higher one. */
  readonly id: number;
  /** The change that it all began with: of an undoing what it undid, and so on; of a change itself. */
  readonly root: number;
  /** What the change was about. Changes that share one of these build upon each other. */
  readonly things: readonly string[];
}

/**
 * What stands in the way of undoing a step: the latest one of those that have changed the same since and are still in
 * force. Of the step's own root it is what undid it; else it is a change that built upon it.
 *
 * A change and every undoing turn the root over, so that an even number of them leaves everything as it was.
 */
export function standsUpon(steps: readonly Step[], step: Step): Step | null {
  const since = steps.filter(
    ({ id, things }) => id > step.id && things.some((each) => step.things.includes(each)),
  );
  const roots = new Set(since.map(({ root }) => root));
  const standing = [...roots].flatMap((root) => lastIfOdd(since.filter((other) => other.root === root)));
  return standing.reduce<Step | null>(latest, null);
}

/** The entry by which a step does not count any more; `null`: it counts. */
export function undoneBy(steps: readonly Step[], step: Step): Step | null {
  return lastIfOdd(steps.filter(({ id, root }) => root === step.root && id > step.id))[0] ?? null;
}

function lastIfOdd(turns: readonly Step[]): Step[] {
  const last = turns.reduce<Step | null>(latest, null);
  return last === null || turns.length % 2 === 0 ? [] : [last];
}

function latest(a: Step | null, b: Step): Step {
  return a === null || b.id > a.id ? b : a;
}
