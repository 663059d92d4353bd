import pg, { type Pool, type PoolClient } from "pg";
import { AlphaError } from "../../errors.js";
import { type CopiedRows, copyIn } from "./copy-in.js";

/** A statement of the hot path. Named, so that each connection has it parsed and planned once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A statement with the values that it is to run with. */
export interface Asked {
  readonly statement: Statement;
  readonly values?: readonly unknown[];
}

// biome-ignore lint/suspicious/noExplicitAny: each statement's reader knows the columns that it asked for
export type Rows = readonly any[];

type Answer = pg.QueryResult;

/** The server is not there, or is no longer: what the connection was asked has no answer. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** A connection of the pool, for as long as it is borrowed. */
export class MeterClient {
  #isLost = false;
  readonly #onError = () => {
    this.#isLost = true;
  };

  private constructor(readonly raw: PoolClient) {
    // Whoever waits for an answer is told by it; unheard, the event would end the process.
    raw.on("error", this.#onError);
  }

  /**
   * @param waitMs how long to wait for a connection
   * @throws ConnectionLost when the server cannot be reached, or no connection becomes free in that time
   */
  static async borrow(pool: Pool, waitMs: number): Promise<MeterClient> {
    const connecting = pool.connect();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, waitMs, "late");
    });
    try {
      const client = await Promise.race([connecting, late]);
      if (client !== "late") return new MeterClient(client);
    } catch (error) {
      throw lostOr(error);
    } finally {
      clearTimeout(timer);
    }
    // It may come yet, and then nobody wants it.
    connecting.then((client) => client.release()).catch(() => undefined);
    throw new ConnectionLost(new Error(`no connection became free within ${waitMs} ms`));
  }

  /** Gives the connection back; one that is not fit to be used again is closed. */
  giveBack(isFit: boolean): void {
    this.raw.removeListener("error", this.#onError);
    this.raw.release(this.#isLost || !isFit);
  }

  /**
   * Asks everything at once, in one round trip.
   * @param silenceMs after how long no answer is coming any more, and the connection is given up
   * @throws what went wrong first
   */
  async ask(asked: readonly Asked[], silenceMs: number): Promise<Rows[]> {
    const answers = await this.settle(asked, silenceMs);
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return answers.map((answer) => (answer as PromiseFulfilledResult<Answer>).value.rows);
  }

  /** Asks one thing, without what it takes to ask several at once. */
  async askOne({ statement, values }: Asked, silenceMs: number): Promise<Rows> {
    const { name, text } = statement;
    const query = { name, text, values: values as unknown[], query_timeout: silenceMs };
    try {
      return (await this.raw.query(query)).rows;
    } catch (error) {
      throw lostOr(error);
    }
  }

  /** Ends whatever transaction is open. `false`: it cannot, and the connection is not to be used again. */
  async rollBack(silenceMs: number): Promise<boolean> {
    try {
      await this.ask([{ statement: ROLLBACK }], silenceMs);
      return true;
    } catch {
      return false;
    }
  }

  /** Asks everything at once and returns every answer as it came. */
  async settle(
    asked: readonly (Asked | CopiedRows)[],
    silenceMs: number,
  ): Promise<PromiseSettledResult<Answer>[]> {
    const { stream } = this.raw.connection;
    const answers: Promise<PromiseSettledResult<Answer>>[] = [];
    // One packet instead of one for each statement.
    stream.cork();
    for (const [index, each] of asked.entries()) {
      if ("copy" in each) {
        const { answer, sent } = copyIn(this.raw, each, silenceMs);
        answers.push(settled(answer));
        stream.uncork();
        await sent;
        stream.cork();
      } else {
        // A server that is gone without a word: its connection is closed, whatever else was asked on it.
        const isLast = index === asked.length - 1;
        answers.push(settled(this.#send(each, isLast ? silenceMs : undefined)));
      }
    }
    stream.uncork();
    return Promise.all(answers);
  }

  #send({ statement, values }: Asked, timeoutMs: number | undefined): Promise<Answer> {
    return this.raw.query({
      ...statement,
      ...(values === undefined ? {} : { values: values as unknown[] }),
      ...(timeoutMs === undefined ? {} : { query_timeout: timeoutMs }),
    });
  }
}

async function settled(answer: Promise<Answer>): Promise<PromiseSettledResult<Answer>> {
  try {
    return { status: "fulfilled", value: await answer };
  } catch (error) {
    return { status: "rejected", reason: lostOr(error) };
  }
}

const ROLLBACK: Statement = { name: "alpha_rollback", text: "rollback" };

function lostOr(error: unknown): unknown {
  if (error instanceof AlphaError || error instanceof ConnectionLost) return error;
  if (!(error instanceof pg.DatabaseError)) return new ConnectionLost(error);
  return error.severity === "FATAL" || error.severity === "PANIC" ? new ConnectionLost(error) : error;
}

/** An array as the server reads it: for numbers, which need no quotes. */
export function numbers(values: readonly (number | null)[]): string {
  let text = "{";
  for (const [index, value] of values.entries()) text += `${index === 0 ? "" : ","}${value ?? "NULL"}`;
  return `${text}}`;
}
