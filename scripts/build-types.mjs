// Writes the library's declarations, and keeps only those that its public types reach: the store's would make every
// user of the library need the types of what is bundled.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const types = join(root, "dist/types");
// Whoever uses an integration has its framework, and its types.
const { peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const peers = new Set(Object.keys(peerDependencies));
const entries = ["src/index.d.ts", "src/express.d.ts", "src/ai-sdk.d.ts"].map((name) => join(types, name));

rmSync(types, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.build.json")],
  {
    stdio: "inherit",
  },
);

const reached = new Set();
const queue = [...entries];
for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
  if (reached.has(file)) continue;
  reached.add(file);
  for (const [, specifier] of readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"([^"]+)"/g)) {
    if (specifier.startsWith(".")) queue.push(resolve(dirname(file), specifier.replace(/\.js$/, ".d.ts")));
    else if (!specifier.startsWith("node:") && !peers.has(specifier)) {
      throw new Error(`${relative(root, file)} needs the types of ${specifier}, which is bundled`);
    }
  }
}
for (const name of readdirSync(types, { recursive: true })) {
  const file = join(types, name);
  if (file.endsWith(".d.ts") && !reached.has(file)) rmSync(file);
}
