import { existsSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Limits, type LimitsRequest, openLimits } from "../../../src/index.js";

/*
 * A product with the limits engine inside, which does what it is told and answers each order with a line of JSON behind
 * the order's number. Its clock stands still, so that nothing depends on how long a run takes.
 */

export type Order =
  | { readonly do: "open"; readonly database: string; readonly now: number }
  | { readonly do: "close" }
  /** Reserves `times` times without waiting for an answer in between. */
  | { readonly do: "reserve"; readonly request: LimitsRequest; readonly times: number }
  /** Reserves and releases until `flag` is a file; settles one early call of each request, with all that it held. */
  | {
      readonly do: "churn";
      readonly requests: readonly LimitsRequest[];
      readonly flag: string;
      readonly callers: number;
    }
  /** Reserves and releases until `flag` is a file, and then reserves `after` times more. */
  | {
      readonly do: "hammer";
      readonly request: LimitsRequest;
      readonly flag: string;
      readonly after: number;
      readonly callers: number;
    }
  /** Reserves and settles `pairs` times, and on until `flag` is a file. */
  | {
      readonly do: "pairs";
      readonly request: LimitsRequest;
      readonly flag: string;
      readonly pairs: number;
      readonly callers: number;
    };

/** How many reservations were admitted, and how many were answered with each code. */
export interface Asked {
  readonly admitted: number;
  readonly codes: Readonly<Record<string, number>>;
}

export interface Hammered {
  /** Admitted although the flag was there before the reservation began. */
  readonly late: Asked;
  readonly early: Asked;
  /** When the last admitted reservation was answered, in nanoseconds of the machine's monotonic clock. */
  readonly last: string;
}

class Tally implements Asked {
  admitted = 0;
  codes: Record<string, number> = {};

  count(code: string, admitted: boolean): void {
    this.codes[code] = (this.codes[code] ?? 0) + 1;
    if (admitted) this.admitted += 1;
  }
}

const TURN = 5;
const SETTLED_AFTER = 5;
let limits: Limits;

async function open(order: Extract<Order, { do: "open" }>): Promise<string> {
  await limits?.close();
  limits = await openLimits({ database: order.database, now: () => order.now });
  return "opened";
}

async function reserve({ request, times }: Extract<Order, { do: "reserve" }>): Promise<Asked> {
  const asked = new Tally();
  const answers: Promise<void>[] = [];
  for (let n = 0; n < times; n++) {
    const answer = limits.reserve(request);
    answers.push(
      answer.then(({ decision, reservation }) => asked.count(decision.code, reservation !== null)),
    );
    // A few a turn: each turn is a transaction of its own, between which the other processes come.
    if (n % TURN === TURN - 1) await nextTurn();
  }
  await Promise.all(answers);
  return asked;
}

async function churn({ requests, flag, callers }: Extract<Order, { do: "churn" }>): Promise<Asked> {
  const asked = new Tally();
  await together(callers, async (caller) => {
    const request = requests[caller % requests.length]!;
    let left = caller < requests.length ? SETTLED_AFTER : 0;
    while (left > 0 || !existsSync(flag)) {
      const { decision, reservation } = await limits.reserve(request);
      asked.count(decision.code, reservation !== null);
      if (reservation === null) continue;
      left -= 1;
      const { tokens: output, images, cost } = reservation;
      if (left === 0) await limits.settle(reservation.handle, { output, images, cost });
      else await limits.release(reservation.handle);
    }
  });
  return asked;
}

async function hammer(number: number, order: Extract<Order, { do: "hammer" }>): Promise<Hammered> {
  const { request, flag, after, callers } = order;
  const [early, late] = [new Tally(), new Tally()];
  let last = 0n;
  let asked = 0;
  await together(callers, async () => {
    while (asked < after) {
      // What began after the flag was seen began after whatever was done before the flag was put up.
      const over = existsSync(flag);
      const { decision, reservation } = await limits.reserve(request);
      if (over) asked += 1;
      (over ? late : early).count(decision.code, reservation !== null);
      if (reservation === null) continue;
      last = process.hrtime.bigint();
      if (early.admitted === 1) say(`going ${number}`);
      await limits.release(reservation.handle);
    }
  });
  return { early, late, last: String(last) };
}

async function pairs(order: Extract<Order, { do: "pairs" }>): Promise<Asked> {
  const asked = new Tally();
  let left = order.pairs;
  await together(order.callers, async () => {
    while (left > 0 || !existsSync(order.flag)) {
      left -= 1;
      const { decision, reservation } = await limits.reserve(order.request);
      asked.count(decision.code, reservation !== null);
      if (reservation !== null) await limits.settle(reservation.handle, { output: 1, cost: 1 });
    }
  });
  return asked;
}

async function together(callers: number, work: (caller: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function carryOut(number: number, order: Order): Promise<unknown> {
  switch (order.do) {
    case "open":
      return open(order);
    case "close":
      return limits.close();
    case "reserve":
      return reserve(order);
    case "churn":
      return churn(order);
    case "hammer":
      return hammer(number, order);
    case "pairs":
      return pairs(order);
  }
}

process.on("message", async (text: string) => {
  const { number, ...order } = JSON.parse(text) as Order & { number: number };
  say(`${number} ${JSON.stringify((await carryOut(number, order)) ?? null)}`);
});
