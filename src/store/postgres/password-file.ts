import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AlphaError } from "../../errors.js";

interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The folders in which servers put their socket unless told otherwise: for the file, those are `localhost`. */
const USUAL_SOCKETS = ["/tmp", "/var/run/postgresql", "/run/postgresql"];

/**
 * The password that libpq's password file has for a server: of `passfile`, `PGPASSFILE` or `~/.pgpass`.
 * @throws AlphaError `config` when a file that was named cannot be used, or others may read it
 */
export async function passwordFrom(
  passfile: string | undefined,
  target: Target,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const named = passfile ?? env.PGPASSFILE;
  const path = named ?? (env.HOME === undefined ? undefined : join(env.HOME, ".pgpass"));
  if (path === undefined) return undefined;
  const text = await read(path, named !== undefined);
  return text === undefined ? undefined : passwordIn(text, target);
}

async function read(path: string, isNamed: boolean): Promise<string | undefined> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new AlphaError("config", `the password file ${path} may be read by others`, {
        hint: `chmod 600 ${path}`,
      });
    }
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof AlphaError) throw error;
    if (!isNamed && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AlphaError("config", `the password file ${path} cannot be read`, {
      hint: "check that it is there, and who may read it",
      cause: error,
    });
  }
}

/** Of lines `host:port:database:user:password`, the first that fits; `*` fits all, a backslash quotes `:` and itself. */
export function passwordIn(text: string, { host, port, database, user }: Target): string | undefined {
  const fits = [
    [host, ...(USUAL_SOCKETS.includes(host) ? ["localhost"] : [])],
    [String(port)],
    [database],
    [user],
  ];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = fieldsOf(line);
    if (fields.length < 5) continue;
    const isMatch = fits.every((values, n) => fields[n] === "*" || values.includes(unquoted(fields[n]!)));
    if (isMatch) return unquoted(fields.slice(4).join(":"));
  }
  return undefined;
}

function fieldsOf(line: string): string[] {
  return (
    line
      .match(/(?:\\.|[^:\\])*(?::|$)/g)
      ?.map((field) => field.replace(/:$/, ""))
      .slice(0, -1) ?? []
  );
}

function unquoted(field: string): string {
  return field.replace(/\\(.)/g, "$1");
}
