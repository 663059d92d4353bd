import { type Alert, refusalAlert } from "./alert.js";
import type { RefusalCount } from "./ledger-model.js";
import { MOST_REFUSED_CALLS, type Refused, type RefusedCall, refusedCall } from "./refused-call.js";

/** The reservations that a batch has refused: counted, and one by one. */
export class BatchRefusals {
  readonly #counts = new Map<string, RefusalCount>();
  readonly #perDay = new Map<string, number>();
  readonly calls: RefusedCall[] = [];

  /** @returns what to tell of the first of its kind; `null`: the batch has had one */
  add(refused: Refused): Alert | null {
    const { user, decision, day, at } = refused;
    const before = this.#perDay.get(`${user.id}/${day}`) ?? 0;
    this.#perDay.set(`${user.id}/${day}`, before + 1);
    if (before < MOST_REFUSED_CALLS) this.calls.push(refusedCall(refused, before));
    const meter = decision.meter ?? "";
    const key = `${user.id}/${day}/${decision.code}/${meter}`;
    const counted = this.#counts.get(key);
    if (counted !== undefined) {
      counted.count += 1;
      return null;
    }
    this.#counts.set(key, { userId: user.id, day, code: decision.code, meter, count: 1 });
    return refusalAlert(user.id, decision.code, { index: day, at });
  }

  counts(): RefusalCount[] {
    return [...this.#counts.values()];
  }
}
