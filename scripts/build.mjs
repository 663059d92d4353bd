// Bundles the command line and the library into dist/, sharing their chunks: unbundled, the imports alone would take
// several times as long as most commands do.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const root = new URL("..", import.meta.url).pathname;

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    cli: "src/cli/main.ts",
    index: "src/index.ts",
    express: "src/express.ts",
    "ai-sdk": "src/ai-sdk.ts",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  minify: true,
  sourcemap: "linked",
  sourcesContent: false,
  metafile: true,
  external: Object.keys(manifest.dependencies),
  define: { "process.env.ALPHA_LIMITS_VERSION": JSON.stringify(manifest.version) },
  // Bundled CommonJS asks for Node's own modules through `require`, which an ES module does not have.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
});

writeLicences(metafile);
removeStale(metafile);

/** What is bundled is passed on, so its licences are passed on with it. */
function writeLicences({ inputs }) {
  const packages = new Set();
  for (const input of Object.keys(inputs)) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
  const texts = [...packages].sort().map((name) => {
    const folder = `${root}node_modules/${name}/`;
    const { version, license } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
    return `${name} ${version} (${license})\n\n${licenceText(folder)}`;
  });
  writeFileSync(`${root}dist/THIRD-PARTY-LICENSES.txt`, texts.join(`\n${"-".repeat(80)}\n\n`));
}

/** Only after a build that worked, so that what is running finds its chunks until then. */
function removeStale({ outputs }) {
  const fresh = new Set(Object.keys(outputs).map((output) => output.replace(/^dist\//, "")));
  for (const name of readdirSync(`${root}dist`)) {
    if (/\.js(\.map)?$/.test(name) && !fresh.has(name)) rmSync(`${root}dist/${name}`);
  }
}

function licenceText(folder) {
  const name = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (name === undefined) throw new Error(`no licence text in ${folder}`);
  return readFileSync(`${folder}${name}`, "utf8");
}
