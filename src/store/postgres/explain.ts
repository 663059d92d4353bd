import { AlphaError, OutageError } from "../../errors.js";

/** The SQLSTATE of an error of the server, or the code of one of the network; empty for any other error. */
export function postgresCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What `pg` says, without a code, of connections that are gone. */
const GONE =
  /^(Connection terminated|Client has encountered a connection error|timeout expired|Query read timeout)/;
/** What it and its pool say when somebody did not answer in time. */
const LATE = /timeout exceeded when trying to connect|due to connection timeout|^Query read timeout/;
const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
]);

/** Whether the connection to the server is gone, or the server is going or just coming up: another attempt may work. */
export function isLost(error: unknown): boolean {
  const code = postgresCode(error);
  return /^(08|57P0[123])/.test(code) || NETWORK.has(code) || GONE.test(messageOf(error));
}

type Words = readonly [message: string, hint: string];

/** By SQLSTATE; a class stands for its states that are not named themselves. */
const STATES: Readonly<Record<string, (where: string, said: string) => Words>> = {
  "28P01": (where) => [
    `${where} does not accept the password`,
    "check the user name and the password; it can come from the URL, PGPASSWORD or a password file",
  ],
  "28000": (where, said) => [
    `${where} does not let this user in from here: ${said}`,
    "check the user name and the server's pg_hba.conf; a server that wants encryption needs sslmode=verify-full",
  ],
  "3D000": (where) => [
    `there is no database of that name at ${where}`,
    "create it with: createdb, then: alpha init",
  ],
  "3F000": (where) => [
    `${where} has no schema to create tables in`,
    "create one, or name it with: ?options=-c%20search_path%3D…",
  ],
  "42501": (where, said) => [
    `the user of ${where} may not do that: ${said}`,
    "grant it the right, or use a user who has it",
  ],
  "25006": (where) => [
    `${where} can only be read: it is a standby, or set read-only`,
    "name the primary server",
  ],
  "42P01": (where) => [`${where} lacks tables of alpha`, "create them with: alpha init"],
  "55P03": (where) => [`${where} is locked by another process`, "wait until it is done, then try again"],
  "57014": (where) => [
    `${where} cancelled a statement: it took longer than it may, or somebody asked for it`,
    "raise statement_timeout, or try again when the server is less busy",
  ],
  "40P01": (where) => [`${where} broke a deadlock with another program`, "try again: nothing was written"],
  "40": (where) => [
    `${where} could not bring this in line with other changes`,
    "try again: nothing was written",
  ],
  "53100": (where) => [
    `the disk of ${where} is full`,
    "free some space on the server; nothing was half written",
  ],
  "53300": (where) => [
    `${where} has no connection left`,
    "raise its max_connections, put a pooler before it, or lower connection_limit in the URLs of its clients",
  ],
  "53": (where, said) => [`${where} is out of resources: ${said}`, "look at the server's log"],
  "57P03": (where) => [`${where} is starting up or shutting down`, "try again in a moment"],
  "57P": (where) => [`${where} ended the connection`, "try again when the server is back"],
  "58": (where, said) => [
    `${where} cannot read or write its files: ${said}`,
    "look at the server's log and its disk",
  ],
  XX: (where, said) => [`${where} is damaged: ${said}`, "look at the server's log; restore it from a backup"],
};

/** By the code of the network or of TLS. */
const CODES: Readonly<Record<string, (where: string, said: string) => Words>> = {
  ECONNREFUSED: (where) => [
    `nothing answers at ${where}`,
    "check that the server runs, and its host and port",
  ],
  ENOENT: (where) => [
    `there is no socket at ${where}`,
    "check that the server runs, and the folder of its socket",
  ],
  EACCES: (where) => [`the socket at ${where} may not be used`, "check who may enter its folder"],
  ENOTFOUND: (where) => [`the host of ${where} is not known`, "check how it is spelt"],
  EINVAL: (where) => [`the host of ${where} is none that can be looked up`, "check how it is spelt"],
  EAI_AGAIN: (where) => [`the host of ${where} cannot be looked up now`, "check the network and its DNS"],
};

/** Says what is wrong with a server in words, and what to do; an error that is not its own is returned as it is. */
export function explainPostgres(error: unknown, location: string): unknown {
  if (error instanceof AlphaError) return error;
  const code = postgresCode(error);
  const said = messageOf(error);
  const words = wordsOf(code, said);
  if (words === undefined) return error;
  const [message, hint] = words(location, said);
  const Kind = isOutage(code, said) ? OutageError : AlphaError;
  return new Kind("database", message, { hint, cause: error });
}

/** Whether it may be over later, with nothing changed by anybody: a refused password will be refused again. */
function isOutage(code: string, said: string): boolean {
  if (isState(code)) return /^(40|53|55|57|58|XX)/.test(code);
  return NETWORK.has(code) || LATE.test(said) || GONE.test(said);
}

/** Of the server; codes of the network begin with an E. */
function isState(code: string): boolean {
  return /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code);
}

function wordsOf(code: string, said: string): ((where: string, said: string) => Words) | undefined {
  if (isState(code)) {
    return STATES[code] ?? STATES[code.slice(0, 3)] ?? STATES[code.slice(0, 2)];
  }
  if (CODES[code] !== undefined) return CODES[code];
  if (/does not support SSL/.test(said)) {
    return (where) => [
      `${where} offers no encryption`,
      "have it set up (ssl = on), or say sslmode=disable where the network is trusted",
    ];
  }
  if (/SASL|password must be a string/.test(said)) {
    return (where) => [
      `${where} asks for a password, and the one given does not do`,
      "put it into a password file (PGPASSFILE or ~/.pgpass), PGPASSWORD or the URL",
    ];
  }
  if (/certificate|_CERT|ERR_TLS|altname/i.test(`${code} ${said}`)) {
    return (where, why) => [
      `${where} could not prove who it is: ${why}`,
      "name the certificate of its authority with sslrootcert, and the host as the certificate does",
    ];
  }
  if (LATE.test(said)) {
    return (where) => [
      `${where} did not answer in time`,
      "check host, port and firewall; or all connections are in use: see connection_limit and connect_timeout",
    ];
  }
  if (NETWORK.has(code) || GONE.test(said)) {
    return (where) => [`the connection to ${where} was lost`, "try again when the server can be reached"];
  }
  return undefined;
}
