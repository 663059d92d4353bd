import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import type { ImportRecord, Reading } from "./ports.js";
import { sealOf } from "./sealing.js";

export interface ImportsPage {
  /** Newest first. */
  readonly imports: readonly ImportRecord[];
  /** The `before` of the next page; `null`: this is the last. */
  readonly nextBefore: number | null;
  readonly timeZone: string;
}

/** One page of what was imported. */
export function listImports(
  engine: Engine,
  { limit, before }: { readonly limit: number; readonly before?: number },
): Promise<ImportsPage> {
  return engine.store.read(async (tx) => {
    const timeZone = (await tx.settings.current()).time_zone;
    // One more than is shown tells whether there is a next page.
    const found = await tx.records.imports({
      limit: limit + 1,
      ...(before === undefined ? {} : { before }),
    });
    const imports = found.slice(0, limit);
    return { imports, nextBefore: found.length > limit ? (imports.at(-1)?.number ?? null) : null, timeZone };
  });
}

/**
 * An import that can be undone.
 * @throws AlphaError `not-found`; `conflict` when it was undone already, or when some of it is sealed
 */
export async function requireImport(tx: Reading, number: number): Promise<ImportRecord> {
  const found = await tx.records.import(number);
  const hint = "see them with: alpha usage imports";
  if (found === undefined) throw new AlphaError("not-found", `there is no import ${number}`, { hint });
  if (found.undoneAt !== null) {
    throw new AlphaError("conflict", `import ${number} (${found.file}) was undone already`, { hint });
  }
  const seal = await sealOf(tx);
  if (seal !== null && (await tx.sealing.hasBroughtBefore(number, seal.until))) {
    throw new AlphaError("conflict", `import ${number} (${found.file}) cannot be undone any more`, {
      hint: `it has calls from before ${seal.month}, and these months are sealed: see alpha db info`,
    });
  }
  return found;
}
