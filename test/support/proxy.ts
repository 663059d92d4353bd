import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { SharedPostgres } from "./postgres-server.js";
import { tcpUrl } from "./postgres-server.js";

/** Stands before a server, and can let it fall silent: its connections stay, and nothing comes through any more. */
export interface Proxy {
  url(database: string): string;
  silence(): void;
  /** From the first packet to the server on that has these words in it, which it does not get. */
  silenceAt(words: string): void;
  /** The same for the connection on which they come alone. */
  silenceOneAt(words: string): void;
  /** Lets new connections through again; what is silent stays so. */
  renew(): void;
}

export async function proxyTo(server: SharedPostgres): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let silent = new WeakSet<Socket>();
  let isSilent = false;
  let words: string | null = null;
  let isOne = false;
  const proxy = createServer((client) => {
    const upstream = connect(server.port, server.host);
    const pass = (from: Socket, to: Socket, isAsked: boolean) => {
      sockets.add(from);
      from.on("data", (data) => {
        if (isAsked && words !== null && data.includes(words)) {
          if (isOne) for (const each of [from, to]) silent.add(each);
          else isSilent = true;
          words = null;
        }
        if (isSilent) for (const each of sockets) silent.add(each);
        if (!silent.has(from)) to.write(data);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    };
    pass(client, upstream, true);
    pass(upstream, client, false);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as { port: number };
  onTestFinished(() => {
    silent = new WeakSet();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return {
    url: (database) => tcpUrl({ ...server, host: "127.0.0.1", port }, database),
    silence: () => {
      isSilent = true;
    },
    silenceAt: (text) => {
      [words, isOne] = [text, false];
    },
    silenceOneAt: (text) => {
      [words, isOne] = [text, true];
    },
    renew: () => {
      for (const each of sockets) silent.add(each);
      isSilent = false;
    },
  };
}
