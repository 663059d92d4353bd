import { AlphaError } from "../errors.js";
import { CsvReader } from "./csv.js";
import { LineSplitter } from "./lines.js";
import { openSource, type SourceOptions } from "./source.js";

const COLUMNS = ["email", "id", "name", "tier", "persona", "alias"] as const;
type Column = (typeof COLUMNS)[number];

const HINT = `give a CSV file whose first line names its columns: ${COLUMNS.join(",")} (email or id is enough)`;

/** A row of a list of testers: what it says, empty fields left out. */
export interface UsersCsvRow {
  readonly line: number;
  readonly input: {
    readonly email?: string;
    readonly id?: string;
    readonly name?: string;
    readonly tier?: string;
    readonly persona?: string;
    readonly aliases: readonly string[];
  };
  /** Why the row cannot be read. */
  readonly problem: string | null;
}

/**
 * Reads a list of testers from a CSV file, or from `-`, stdin. Several aliases are separated by spaces or `;`.
 * @throws AlphaError `failed` when it is no such file, `interrupted` on abort
 */
export async function readUsersCsv(path: string, options: SourceOptions): Promise<UsersCsvRow[]> {
  try {
    return await read(path, options);
  } catch (error) {
    // A file that is of another kind is told in the words of logs, where other things are to be done about it.
    if (!(error instanceof AlphaError) || error.code !== "failed" || error.cause !== undefined) throw error;
    throw new AlphaError("failed", error.message, { hint: HINT, cause: error });
  }
}

async function read(path: string, options: SourceOptions): Promise<UsersCsvRow[]> {
  const source = await openSource(path, options);
  const reader = new CsvReader(source.name);
  const splitter = new LineSplitter(reader);
  for await (const chunk of source.chunks()) splitter.push(chunk);
  splitter.end();
  reader.end();
  const records = reader.drain();
  const columns = columnsOf(reader.header, source.name);
  if (records.length === 0) {
    throw new AlphaError("failed", `${source.name} names its columns, but lists nobody`);
  }
  return records.map(({ line, fields, problem }) => ({
    line,
    input: inputOf(columns, fields ?? {}),
    problem: problem === null ? null : problem.reason,
  }));
}

/** The header's spelling of each column. Unknown ones are refused: a mistyped `tier` would put everybody on the default. */
function columnsOf(header: readonly string[] | null, name: string): ReadonlyMap<Column, string> {
  if (header === null) throw new AlphaError("failed", `${name} is blank`);
  const columns = new Map<Column, string>();
  const unknown: string[] = [];
  for (const spelled of header) {
    const plain = spelled.toLowerCase() === "aliases" ? "alias" : spelled.toLowerCase();
    const column = COLUMNS.find((each) => each === plain);
    if (column === undefined) unknown.push(`"${spelled}"`);
    else if (columns.has(column)) throw new AlphaError("failed", `${name} has two columns for ${column}`);
    else columns.set(column, spelled);
  }
  if (!columns.has("email") && !columns.has("id")) {
    throw new AlphaError("failed", `the first line of ${name} names neither a column email nor a column id`);
  }
  if (unknown.length > 0) {
    const columnsAre = unknown.length === 1 ? "a column" : "columns";
    throw new AlphaError(
      "failed",
      `${name} has ${columnsAre} that alpha does not know: ${unknown.join(", ")}`,
    );
  }
  return columns;
}

function inputOf(
  columns: ReadonlyMap<Column, string>,
  fields: Readonly<Record<string, unknown>>,
): UsersCsvRow["input"] {
  const value = (column: Column): string => {
    const spelled = columns.get(column);
    const text = spelled === undefined ? "" : fields[spelled];
    return typeof text === "string" ? text.trim() : "";
  };
  const optional = <C extends Column>(column: C) => {
    const text = value(column);
    return (text === "" ? {} : { [column]: text }) as { readonly [K in C]?: string };
  };
  return {
    ...optional("email"),
    ...optional("id"),
    ...optional("name"),
    ...optional("tier"),
    ...optional("persona"),
    aliases: value("alias")
      .split(/[\s;]+/)
      .filter((alias) => alias !== ""),
  };
}
