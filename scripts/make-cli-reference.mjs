// Writes docs/cli-reference.md from the command tree, so that it says what the program says. A test fails when it is stale.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const REFERENCE = join(ROOT, "docs/cli-reference.md");

const HEAD = `# The command line

<!-- Made by scripts/make-cli-reference.mjs from the command tree. Change the commands, then run it again. -->
`;

const COMMON = `## What holds for every command

### Exit codes

| code | means |
|---|---|
| 0 | done, with or without warnings |
| 1 | failed: it was tried and did not work, or what was named does not exist or exists already |
| 2 | wrong usage: nothing was tried |
| 3 | configuration or database: missing, not alpha's, made by a newer version, locked, not writable |
| 4 | blocked: \`alpha check\` says no, or \`alpha emergency-stop status\` while anything is on |
| 5 | another run holds the lock |
| 130 | interrupted |

A reader that closes the pipe early (\`| head\`) is no error.

### Where settings come from

A flag comes before the environment, the environment before the config file, the config file before the default.

| variable | says |
|---|---|
| \`ALPHA_DATABASE\` | where the database is: the path of a SQLite file, or the address of a PostgreSQL database, \`postgres://user@host/name\` |
| \`ALPHA_DATABASE_URL_FILE\` | a file that holds such an address, as secrets are handed to containers |
| \`ALPHA_ACTOR\` | who acts, for the audit (default: the user of the operating system) |
| \`NO_COLOR\` | print without colour, if it is set and not empty |
| \`FORCE_COLOR\` | print in colour off a terminal, too; \`0\` prints without |
| \`XDG_DATA_HOME\` | the folder of the default database, \`alpha/alpha.db\` (default: \`~/.local/share\`); a relative path is ignored |
| \`XDG_CONFIG_HOME\` | the folder of the config file, \`alpha/config.json\` (default: \`~/.config\`); a relative path is ignored |

The config file is JSON. \`alpha init --remember\` writes it.

\`\`\`json
{ "database": "/srv/alpha/alpha.db" }
\`\`\`

Only \`alpha init\` creates a database. No default depends on the current folder, so that cron meets the same database.

### Output

Data goes to stdout; progress, warnings and errors go to stderr. Off a terminal there is no colour, nothing is cut short,
and times are RFC 3339 in UTC. \`--json\` prints one envelope, also when nothing was found. Fields are only ever added to it.

\`\`\`json
{ "schema": 1, "kind": "users", "data": [], "meta": { "count": 0 } }
\`\`\`

Money is \`{"nanos": 1500000000, "usd": "1.5"}\`: an integer count of nano-US-dollars, and the same as a decimal string.

Under \`--json\` an error is one line on stderr. \`code\` is one of \`usage\`, \`not-found\`, \`conflict\`, \`failed\`, \`config\`,
\`database\`, \`busy\` and \`interrupted\`; \`hint\` may be null.

\`\`\`json
{"error":{"code":"database","message":"there is no database at /srv/alpha/alpha.db","hint":"create it with: alpha init"}}
\`\`\`
`;

/**
 * The reference as Markdown.
 * @param {import("commander").Command} program the command tree
 */
export function cliReference(program) {
  const groups = new Map();
  for (const command of program.commands) {
    const title = command.helpGroup() ?? "Commands:";
    groups.set(title, [...(groups.get(title) ?? []), command]);
  }
  const overview = [...groups].map(([title, commands]) => {
    const rows = commands.flatMap((command) => leaves(command)).map(overviewRow);
    return `### ${title.replace(/:$/, "")}\n\n| command | does |\n|---|---|\n${rows.join("\n")}\n`;
  });
  const sections = program.commands.flatMap((command) => leaves(command)).map(section);
  const common = leaves(program)[0].options.filter((option) => option.helpGroupHeading === COMMON_HEADING);
  return [
    HEAD,
    `${program.description()}\n`,
    "## Commands\n",
    ...overview,
    "## Options of every command\n",
    `${COMMON_NOTE}\n`,
    `${optionTable(common)}\n`,
    ...sections,
    COMMON,
  ].join("\n");
}

const COMMON_HEADING = "Common options:";
const COMMON_NOTE =
  "`--format` also takes `csv` and `markdown` where that is listed with the command. `alpha --version` prints the version.";

function leaves(command) {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function pathOf(command) {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function overviewRow(command) {
  const path = pathOf(command);
  return `| [\`${path}\`](#${path.replaceAll(" ", "-")}) | ${cell(command.summary())} |`;
}

function section(command) {
  const own = command.options.filter((option) => option.helpGroupHeading !== COMMON_HEADING);
  const formats = command.options.find((option) => option.attributeName() === "format")?.argChoices ?? [];
  const args = command.registeredArguments.map(
    (argument) => `| \`${argument.name()}\` | ${cell(argument.description)} |`,
  );
  const usage = [pathOf(command), ...command.registeredArguments.map(argumentUsage), "[options]"].join(" ");
  return [
    `## ${pathOf(command)}\n`,
    `${prose(command.description())}\n`,
    `\`\`\`text\n${usage}\n\`\`\`\n`,
    ...(args.length === 0 ? [] : [`| argument | |\n|---|---|\n${args.join("\n")}\n`]),
    ...(own.length === 0 ? [] : [`${optionTable(own)}\n`]),
    ...(formats.length > 2 ? [`Formats: ${formats.map((format) => `\`${format}\``).join(", ")}.\n`] : []),
    `\`\`\`sh\n${examplesOf(command).join("\n")}\n\`\`\`\n`,
  ].join("\n");
}

function argumentUsage(argument) {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionTable(options) {
  const rows = options.map((option) => {
    const choices = option.argChoices === undefined ? "" : `: ${option.argChoices.join(", ")}`;
    const fallback =
      option.defaultValue === undefined || option.negate ? "" : ` (default: ${option.defaultValue})`;
    return `| \`${option.flags}\` | ${cell(option.description + choicesOf(option, choices) + fallback)} |`;
  });
  return `| option | |\n|---|---|\n${rows.join("\n")}`;
}

/** Which formats there are differs from command to command. */
function choicesOf(option, choices) {
  return option.long === "--format" ? ": table or json" : choices;
}

function cell(text) {
  return prose(text).replaceAll("|", "\\|");
}

/** Angle brackets would be taken for HTML. */
function prose(text) {
  return text.replaceAll("<", "&lt;");
}

/** The command lines that the help of a command ends with. */
export function examplesOf(command) {
  let help = "";
  const { writeOut } = command.configureOutput();
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  command.configureOutput({ writeOut });
  return help.split("\n").flatMap((line) => (line.startsWith("  $ ") ? [line.slice(4)] : []));
}

/** The command tree, bundled for once, since Node runs no TypeScript by itself. */
async function bundledProgram() {
  const { build } = await import("esbuild");
  // Below the project, so that what is not bundled is found from there.
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/cli-reference-"));
  try {
    await build({
      absWorkingDir: ROOT,
      entryPoints: ["src/cli/program.ts"],
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      packages: "external",
    });
    const { createProgram } = await import(pathToFileURL(join(folder, "program.mjs")).href);
    return createProgram({ io: { ...process, env: {} }, argv: [], exitCode: 0 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(REFERENCE, cliReference(await bundledProgram()));
}
