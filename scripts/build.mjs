// Bundles the command line and the library into dist/, sharing their chunks: unbundled, the imports alone would take
// several times as long as most commands do.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

// The first that fits takes a module, with all that it needs. What commands share goes into a few chunks: every file costs a look-up and a read at each start. What only some
// commands need stays out of them.
const groups = [
  { name: "start", test: /\/src\/(version|cli\/exit-codes)\.ts/ },
  {
    name: "base",
    test: /node_modules\/(chalk|fast-string|valibot|fastest)|\/src\/(errors|store\/location|domain\/|render\/[\w-]+\.ts|engine\/(engine|find|users)\.ts|render\/views\/users\.ts|cli\/(context|config|values)\.ts)/,
  },
  {
    name: "store",
    test: /node_modules\/kysely\/|\/src\/(store\/(?!migrate\.|init-store\.|postgres\/|sqlite\/(init|flavor)\.)|ids|cli\/open-engine)/,
  },
  {
    name: "tree",
    test: /node_modules\/commander\/|\/src\/cli\/(program|declare|run|run-command|misuse|commands\/(.*\/index|database))\.ts/,
  },
  { name: "migrations", test: /\/src\/store\/migrate\.|\/migrations\// },
  {
    // As large as all the rest of the store, and only for who has such a server.
    name: "postgres",
    test: /node_modules\/(pg|pg-[\w-]+|postgres-[\w-]+|xtend)\/|\/src\/store\/postgres\//,
  },
  { name: "input", test: /node_modules\/csv-parse\/|\/src\/(input|importers)\// },
].map((group, index, all) => ({ ...group, priority: all.length - index }));

const bundle = await rolldown({
  cwd: root,
  input: {
    cli: "src/cli/main.ts",
    index: "src/index.ts",
    express: "src/express.ts",
    "ai-sdk": "src/ai-sdk.ts",
    // A thread of its own, which is begun by this name.
    "read-worker": "src/input/read-worker.ts",
  },
  platform: "node",
  external: [
    /^node:/,
    /^pg-(native|cloudflare)$/,
    ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  ],
  transform: {
    target: "node20.19",
    define: { "process.env.ALPHA_LIMITS_VERSION": JSON.stringify(manifest.version) },
  },
  checks: { ineffectiveDynamicImport: false },
});
const { output } = await bundle.write({
  dir: dist,
  format: "esm",
  minify: true,
  sourcemap: true,
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  codeSplitting: { groups },
});
await bundle.close();
const page = await writeReportPage();

writeLicences();
removeStale();

/**
 * Bundles what draws the charts of a report's page into one script, which is written into each page. A page is passed on
 * without this package, so the licences stand in the script itself.
 */
async function writeReportPage() {
  const bundle = await rolldown({
    cwd: root,
    input: { "report-page": "src/report-page/main.ts" },
    platform: "browser",
    transform: { target: "es2022" },
  });
  const { output: chunks } = await bundle.write({
    dir: dist,
    format: "iife",
    minify: true,
    entryFileNames: "[name].js",
    banner: (chunk) => `/*!\n${licencesOf([chunk]).join("\n\n")}*/`,
  });
  await bundle.close();
  // Either would end the script, or change how the page around it is read.
  if (/<\/script|<!--/i.test(chunks[0].code))
    throw new Error("the script of the report page cannot stand in HTML");
  return chunks;
}

/** What is bundled is passed on, so its licences are passed on with it. */
function writeLicences() {
  const texts = licencesOf([...output, ...page]);
  writeFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
}

/** The licences of the packages of which chunks have modules. */
function licencesOf(chunks) {
  const packages = new Set();
  for (const id of chunks.flatMap((chunk) => Object.keys(chunk.modules ?? {}))) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id);
    if (match) packages.add(match[1]);
  }
  return [...packages].sort().map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${licenceText(folder)}`;
  });
}

function licenceText(folder) {
  const files = readdirSync(folder);
  const own = files.find((file) => /^licen[cs]e/i.test(file));
  if (own !== undefined) return readFileSync(join(folder, own), "utf8");
  // Some keep it at the end of their description.
  const readme = files.find((file) => /^readme/i.test(file));
  const text = readme && /^#+ *licen[cs]e$([\s\S]*)/im.exec(readFileSync(join(folder, readme), "utf8"))?.[1];
  if (!text) throw new Error(`no licence text in ${folder}`);
  return text;
}

/** Only after a build that worked, so that what is running finds its chunks until then. */
function removeStale() {
  const fresh = new Set([...output, ...page].map((file) => file.fileName));
  for (const name of readdirSync(dist)) {
    if (/\.js(\.map)?$/.test(name) && !fresh.has(name)) rmSync(join(dist, name), { force: true });
  }
}
