import { AlphaError } from "../errors.js";

/** Whether a text addresses a PostgreSQL server, and is not the path of a SQLite file. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//i.test(text);
}

/** The parts of a connection URL as they are written, still percent-encoded; empty where they are left out. */
export interface UrlParts {
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

const AUTHORITY =
  /^(?:(?<user>[^:@]*)(?::(?<password>[^@]*))?@)?(?<host>\[[^\]]*\]|[^:@]*)(?::(?<port>\d*))?$/;
const URL_SHAPE = /^[a-z]+:\/\/(?<authority>[^/?#]*)(?:\/(?<database>[^/?#]*))?(?:\?(?<query>[^#]*))?$/i;
const SECRET = new Set(["password", "sslpassword"]);

/**
 * Takes a connection URL of libpq's shape apart.
 * @throws AlphaError `config`, which never repeats the URL: a password may be anywhere in one that is misspelt
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
  const pairs = (shape.query ?? "").split("&").filter((pair) => pair !== "");
  const parameters = pairs.map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [name, value.join("=")] as const;
  });
  return { user, password, host, port, database: shape.database ?? "", parameters };
}

/**
 * A connection URL without its password: what may be shown, and what still connects where the password is found
 * elsewhere.
 * @throws AlphaError `config`, as {@link urlParts}
 */
export function withoutPassword(url: string): string {
  const { user, host, port, database, parameters } = urlParts(url);
  const query = parameters
    .filter(([name]) => !SECRET.has(name.toLowerCase()))
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
  return password !== "" || parameters.some(([name]) => SECRET.has(name.toLowerCase()));
}
