import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { AlphaError } from "../errors.js";
import { addressIn, hasPassword, isPostgresUrl, withoutPassword } from "../store/location.js";

type Env = Readonly<Record<string, string | undefined>>;

/** Where the database is and who acts, and where each was found. Nothing here decides anything. */
export interface Config {
  /** To be shown: the absolute path of the SQLite file, or the address of the PostgreSQL database without its password. */
  readonly database: string;
  /** To be opened, and never shown: the same with the password, if there is one in it. */
  readonly address: string;
  readonly databaseFrom:
    | "--database"
    | "ALPHA_DATABASE"
    | "ALPHA_DATABASE_URL_FILE"
    | "config file"
    | "default";
  readonly actor: string;
  readonly actorFrom: "ALPHA_ACTOR" | "operating system";
  readonly configFile: string;
}

const ConfigFile = v.pipe(
  v.unknown(),
  v.check((content) => !Array.isArray(content)),
  v.looseObject({ database: v.optional(v.pipe(v.string(), v.nonEmpty())) }),
);

function home(env: Env): string {
  return env.HOME ?? homedir();
}

/** An XDG folder. A relative one is ignored, as the XDG specification asks: it would depend on the current folder. */
function xdg(env: Env, name: string, fallback: string): string {
  const folder = env[name];
  return folder?.startsWith("/") ? folder : join(home(env), fallback);
}

export function configFilePath(env: Env): string {
  return join(xdg(env, "XDG_CONFIG_HOME", ".config"), "alpha", "config.json");
}

function readConfigFile(path: string): v.InferOutput<typeof ConfigFile> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new AlphaError("config", `the config file ${path} cannot be read`, {
      hint: "check who owns it, or move it away",
      cause: error,
    });
  }
  try {
    return v.parse(ConfigFile, JSON.parse(text));
  } catch (error) {
    throw new AlphaError("config", `the config file ${path} is not what alpha expects`, {
      hint: 'it should be JSON such as {"database": "/srv/alpha/alpha.db"}; mend it or move it away',
      cause: error,
    });
  }
}

/** The one spelling of a path, whatever folder a command was started in. */
function absolutePath(text: string, env: Env): string {
  if (text.startsWith("~/")) return join(home(env), text.slice(2));
  return resolve(text);
}

/**
 * A path in its one spelling, or an address as it is.
 * @throws AlphaError `config` for what looks like an address and is none
 */
export function placeOf(text: string, from: string, env: Env): string {
  return addressIn(text, from) ?? absolutePath(text, env);
}

/** The absolute path of a file that can be no address. */
export function fileOf(text: string, what: string): string {
  if (addressIn(text, what) === null) return resolve(text);
  throw new AlphaError("usage", `${what} is a file, not an address`, { hint: "give the path of a file" });
}

/** An address in a file of its own, as secrets are handed to containers. */
function readUrlFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new AlphaError("config", `the file ${path} that ALPHA_DATABASE_URL_FILE names cannot be read`, {
      hint: "check that it is there, and who may read it",
      cause: error,
    });
  }
  if (isPostgresUrl(text)) return text;
  throw new AlphaError(
    "config",
    `the file ${path} that ALPHA_DATABASE_URL_FILE names holds no postgres:// address`,
    {
      hint: "put into it one line such as postgres://user:password@host:5432/name",
    },
  );
}

function osUser(env: Env): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER ?? "unknown";
  }
}

/** Flag before environment before config file before default. */
export function loadConfig(flags: { readonly database?: string }, env: Env): Config {
  const configFile = configFilePath(env);
  const givenActor = env.ALPHA_ACTOR?.trim();
  const who: Pick<Config, "actor" | "actorFrom"> = givenActor
    ? { actor: givenActor, actorFrom: "ALPHA_ACTOR" }
    : { actor: osUser(env), actorFrom: "operating system" };
  const found = (text: string, databaseFrom: Config["databaseFrom"]): Config => {
    if (text.trim() === "") {
      throw new AlphaError("config", `${databaseFrom} is empty`, { hint: "name a file, or leave it out" });
    }
    const address = placeOf(text, databaseFrom, env);
    const database = isPostgresUrl(address) ? withoutPassword(address) : address;
    return { database, address, databaseFrom, ...who, configFile };
  };
  if (flags.database !== undefined) return found(flags.database, "--database");
  const { ALPHA_DATABASE: named, ALPHA_DATABASE_URL_FILE: urlFile } = env;
  if (named && urlFile) {
    throw new AlphaError(
      "config",
      "ALPHA_DATABASE and ALPHA_DATABASE_URL_FILE both say where the database is",
      {
        hint: "leave one of them out",
      },
    );
  }
  if (named) return found(named, "ALPHA_DATABASE");
  if (urlFile) return found(readUrlFile(absolutePath(urlFile, env)), "ALPHA_DATABASE_URL_FILE");
  const remembered = readConfigFile(configFile).database;
  if (remembered !== undefined) return found(remembered, "config file");
  return found(join(xdg(env, "XDG_DATA_HOME", ".local/share"), "alpha", "alpha.db"), "default");
}

/**
 * Remembers where the database is; what else the file says is kept.
 * @throws AlphaError `usage` for an address with a password: it is not written down where nobody expects one
 */
export function rememberDatabase(database: string, configFile: string): void {
  if (isPostgresUrl(database) && hasPassword(database)) {
    throw new AlphaError("usage", "an address with a password is not remembered", {
      hint: "leave the password out of it, and put it into ~/.pgpass",
    });
  }
  const content = { ...readConfigFile(configFile), database };
  try {
    mkdirSync(dirname(configFile), { recursive: true, mode: 0o700 });
    const next = `${configFile}.new`;
    writeFileSync(next, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(next, configFile);
  } catch (error) {
    throw new AlphaError("config", `the config file ${configFile} cannot be written`, {
      hint: "check who owns its folder",
      cause: error,
    });
  }
}
