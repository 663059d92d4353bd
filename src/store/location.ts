import { AlphaError } from "../errors.js";

/** Whether a text addresses a PostgreSQL server, and is not the path of a SQLite file. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//i.test(text);
}

/** What can only be a path, whatever it has in it. */
const PATH = /^(\/(?!\/)|\.{1,2}[\\/]|~\/|[a-z]:[\\/]|\\)/i;
/** What is in addresses, misspelt or of other programs, and may have a password beside it. */
const ADDRESS_SIGNS = [
  /:\/\//,
  /^\W*[a-z][\w+.-]+:[\\/]/i,
  /^\W*(jdbc:|postgres(ql)?(:|\/\/))/i,
  /:[^@]*@/,
  /(^|[^\w])(host|hostaddr|port|user|dbname|service|passfile)\s*=/i,
  /(password|passwd|pwd)\s*=/i,
];

/**
 * The address that a text names a database by, without spaces around it; `null`: it is the path of a file.
 * @param from where the text was given
 * @throws AlphaError `config` for what looks like an address and is none, without repeating it: taken for a path, it would
 * be shown with the password in it, and a file be named after it
 */
export function addressIn(text: string, from: string): string | null {
  const trimmed = text.trim();
  if (isPostgresUrl(trimmed)) return trimmed;
  if (PATH.test(trimmed) || !ADDRESS_SIGNS.some((sign) => sign.test(trimmed))) return null;
  throw new AlphaError("config", `${from} looks like an address, but is none that alpha understands`, {
    hint: "write an address as postgres://user@host:5432/name, without quotes; before the name of a file that looks like one, write ./",
  });
}

/** The parameters of libpq that are understood, and settings of the server that are common in such URLs. */
const KNOWN = [
  "user",
  "password",
  "host",
  "port",
  "dbname",
  "passfile",
  "application_name",
  "connect_timeout",
  "options",
  "keepalives",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslnegotiation",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "connection_limit",
  "prepared_statements",
] as const;
export type ParameterName = (typeof KNOWN)[number];

/** The parts of a connection URL as they are written, still percent-encoded; empty where they are left out. */
export interface UrlParts {
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly parameters: readonly (readonly [name: ParameterName, value: string])[];
}

const AUTHORITY =
  /^(?:(?<user>[^:@]*)(?::(?<password>[^@]*))?@)?(?<host>\[[^\]]*\]|[^:@]*)(?::(?<port>\d*))?$/;
// An @ behind the authority is one of a password with / or ? in it, whose rest would pass for what may be shown.
const URL_SHAPE = /^[a-z]+:\/\/(?<authority>[^/?#]*)(?:\/(?<database>[^/?#@]*))?(?:\?(?<query>[^#@]*))?$/i;

/**
 * Takes a connection URL of libpq's shape apart.
 * @throws AlphaError `config`, which never repeats the URL: a password may be anywhere in one that is misspelt. A parameter
 * that is not understood is refused: a misspelt sslmode must not end in a connection in the clear
 */
export function urlParts(url: string): UrlParts {
  const shape = URL_SHAPE.exec(url)?.groups;
  const authority = AUTHORITY.exec(shape?.authority ?? "@@")?.groups;
  if (shape === undefined || authority === undefined) {
    throw new AlphaError(
      "config",
      "the PostgreSQL address is not of the form postgres://user@host:5432/name",
      {
        hint: "write special characters of user names and passwords percent-encoded, such as %40 for @",
      },
    );
  }
  const { user = "", password = "", host = "", port = "" } = authority;
  return {
    user,
    password,
    host,
    port,
    database: shape.database ?? "",
    parameters: pairsOf(shape.query ?? ""),
  };
}

function pairsOf(query: string): [ParameterName, string][] {
  const found: [ParameterName, string][] = [];
  for (const pair of query.split("&").filter((text) => text !== "")) {
    const [name = "", ...value] = pair.split("=");
    const known = KNOWN.find((each) => each === name);
    if (known === undefined) {
      // What is no plain word, or stands behind a password that an & may have cut in two, may be a part of one.
      const isTold = /^[a-z_]+$/i.test(name) && !found.some(([before]) => before === "password");
      throw new AlphaError(
        "config",
        `the PostgreSQL address has a parameter${isTold ? ` "${name}"` : ""} that is not understood`,
        { hint: `there are: ${KNOWN.filter((each) => each !== "password").join(", ")}` },
      );
    }
    found.push([known, value.join("=")]);
  }
  return found;
}

/**
 * A connection URL without its password: what may be shown, and what still connects where the password is found
 * elsewhere.
 * @throws AlphaError `config`, as {@link urlParts}
 */
export function withoutPassword(url: string): string {
  const { user, host, port, database, parameters } = urlParts(url);
  const query = parameters
    .filter(([name]) => name !== "password")
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  return [
    "postgres://",
    user === "" ? "" : `${user}@`,
    host,
    port === "" ? "" : `:${port}`,
    `/${database}`,
    query === "" ? "" : `?${query}`,
  ].join("");
}

/** Whether a connection URL carries its password. */
export function hasPassword(url: string): boolean {
  const { password, parameters } = urlParts(url);
  return password !== "" || parameters.some(([name]) => name === "password");
}
