import { userInfo } from "node:os";
import type { PoolConfig } from "pg";
import { AlphaError } from "../../errors.js";
import { type ParameterName, urlParts, withoutPassword } from "../location.js";
import { passwordFrom } from "./password-file.js";
import { tlsFrom } from "./tls.js";
import { TYPES } from "./types.js";

type Parameters = Partial<Record<ParameterName, string>>;
type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_CONNECTIONS = 10;
/** A timer of Node's that is to last longer ends at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How to reach a database. */
export interface Address {
  /** The URL without its password: for messages. */
  readonly location: string;
  readonly pool: PoolConfig;
  /** Whether statements may be kept prepared: some poolers give each transaction another connection, without them. */
  readonly keepsStatements: boolean;
}

/**
 * Reads a connection URL as libpq does; what it leaves out comes from the same environment variables.
 * @param waitMs how long connecting may take, unless the URL or the environment says
 * @throws AlphaError `config` for what cannot be understood, which never repeats the password
 */
export function readAddress(url: string, { waitMs, env }: { waitMs: number; env: Env }): Address {
  const parts = urlParts(url);
  const given = parametersOf(parts.parameters);
  const say = (name: ParameterName, text: string) => decoded(name, text) || undefined;
  const host = given.host ?? say("host", parts.host.replace(/^\[|\]$/g, "")) ?? env.PGHOST ?? "localhost";
  const port = portOf("port", given.port ?? parts.port) ?? portOf("PGPORT", env.PGPORT) ?? 5432;
  const user = given.user ?? say("user", parts.user) ?? env.PGUSER ?? accountName();
  const database = given.dbname ?? say("dbname", parts.database) ?? env.PGDATABASE ?? user;
  const password = given.password ?? say("password", parts.password) ?? env.PGPASSWORD;
  if (host.includes(",")) {
    throw wrong(
      "the PostgreSQL address names several hosts",
      "name one; a proxy or DNS name can stand for several",
    );
  }
  const target = { host, port, database, user };
  const connectSeconds =
    count("connect_timeout", given.connect_timeout) ?? count("PGCONNECT_TIMEOUT", env.PGCONNECT_TIMEOUT);
  return {
    location: withoutPassword(url),
    keepsStatements: yes("prepared_statements", given.prepared_statements),
    pool: {
      ...target,
      // Asked for only when the server wants one.
      password: async () => password ?? (await passwordFrom(given.passfile, target, env)) ?? "",
      ssl: host.startsWith("/") ? false : tlsFrom(given, env),
      ...(isDirect(given) ? { sslnegotiation: "direct" as const } : {}),
      application_name: given.application_name ?? env.PGAPPNAME ?? "alpha",
      ...(given.options === undefined ? {} : { options: given.options }),
      ...timeouts(given),
      connectionTimeoutMillis: connectSeconds
        ? Math.min(connectSeconds * 1_000, LONGEST_TIMER_MS)
        : Math.max(waitMs, 2_000),
      keepAlive: yes("keepalives", given.keepalives),
      max: Math.max(2, count("connection_limit", given.connection_limit) ?? DEFAULT_CONNECTIONS),
      // What is asked at once travels at once.
      pipeline: true,
      // A program that forgets to close still ends.
      allowExitOnIdle: true,
      types: TYPES,
    },
  };
}

function wrong(message: string, hint: string): AlphaError {
  return new AlphaError("config", message, { hint });
}

function decoded(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong(
      `the ${name} in the PostgreSQL address is not percent-encoded as it should be`,
      "write % itself as %25",
    );
  }
}

function parametersOf(pairs: readonly (readonly [ParameterName, string])[]): Parameters {
  const given: Parameters = {};
  for (const [name, value] of pairs) given[name] = decoded(name, value);
  return given;
}

/** Never repeats a value: in an address that is misspelt it may be a part of the password. */
function wrongValue(name: string, hint: string): AlphaError {
  const where = /^PG/.test(name) ? name : `${name} in the PostgreSQL address`;
  return wrong(`${where} is not what it may be`, hint);
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw wrongValue(name, "give a whole number");
}

function portOf(name: "port" | "PGPORT", text: string | undefined): number | undefined {
  const port = count(name, text);
  if (port === undefined || (port >= 1 && port <= 65_535)) return port;
  throw wrongValue(name, "give a number from 1 to 65535");
}

function yes(name: ParameterName, text: string | undefined): boolean {
  if (text === undefined || text === "1") return true;
  if (text === "0") return false;
  throw wrongValue(name, "give 0 or 1");
}

/** Whether encryption begins without asking for it first. A misspelling must not end in a connection in the clear. */
function isDirect({ sslnegotiation }: Parameters): boolean {
  if (sslnegotiation === undefined || sslnegotiation === "postgres") return false;
  if (sslnegotiation === "direct") return true;
  throw wrongValue("sslnegotiation", "give direct or postgres");
}

/** Milliseconds each, as the settings of the server of the same name. */
function timeouts(given: Parameters): PoolConfig {
  const names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = count(name, given[name]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return "postgres";
  }
}
