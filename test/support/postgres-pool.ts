import type { Pool, PoolClient } from "pg";

/** What happens to a statement: it is sent by `send`, or not. */
export type OnQuery = (name: string, send: () => Promise<unknown>, client: PoolClient) => Promise<unknown>;

/** A pool whose statements can be tampered with. */
export function watched(pool: Pool, onQuery: OnQuery): Pool {
  const on = <T extends object>(target: T, replaced: Partial<Record<string, unknown>>): T =>
    new Proxy(target, {
      get(_, key) {
        if (typeof key === "string" && key in replaced) return replaced[key];
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return on(pool, {
    connect: async () => {
      const client = await pool.connect();
      const query = (config: { name: string }) =>
        onQuery(config.name, () => client.query(config as never), client);
      return on(client, { query });
    },
  });
}

/** Does something to the first commit only. */
export function onFirstCommit(tamper: OnQuery): OnQuery {
  let isFirst = true;
  return (name, send, client) => {
    if (name !== "alpha_commit" || !isFirst) return send();
    isFirst = false;
    return tamper(name, send, client);
  };
}
