import type { ImportColumns } from "../domain/import-columns.js";
import { PRICED_BY } from "../domain/price-rule.js";
import type { UsageDraft } from "../importers/importer.js";
import type { PackedBatch } from "./column-reader.js";
import { columnsIn, HAS_OWN_ID, type PackedRecords, SUPERSEDES } from "./usage-columns.js";

/** A record as it was put into columns; `raw` is its place among them. */
interface UnpackedUsage {
  readonly draft: Omit<UsageDraft, "kind" | "source" | "id">;
  readonly format: string;
  readonly source: string;
  readonly id: string;
  readonly hasOwnId: boolean;
  readonly supersedes: boolean;
  readonly hash: number;
  readonly record: { readonly line: number; readonly raw: number };
}

type Texts = (places: readonly number[]) => readonly string[] | Promise<readonly string[]>;

/** A batch for the engine. Good until the next one is asked for. */
export function unpackBatch({ records, ...batch }: PackedBatch, texts: Texts) {
  return { ...batch, records: [], columns: unpackColumns(records, texts) };
}

function unpackColumns(packed: PackedRecords, texts: Texts) {
  const columns = columnsIn(packed.room);
  const { users, kinds, statuses, sources, formats, providerIds, isPriced } = packed;
  const estimated = new Set(packed.estimated);
  const ids = cut(packed.ids, columns.idEnd, packed.count);

  const at = (place: number): UnpackedUsage => {
    const requests = columns.requests[place] as number;
    const cost = columns.cost[place] as number;
    const pricedBy = PRICED_BY[(columns.pricedBy[place] as number) - 1];
    const flags = columns.flags[place] as number;
    return {
      draft: {
        user: users[columns.user[place] as number] || null,
        providerId: providerIds?.[place] ?? null,
        ...(kinds[columns.kind[place] as number] as (typeof kinds)[number]),
        occurredAt: columns.occurredAt[place] as number,
        input: columns.input[place] as number,
        cacheRead: columns.cacheRead[place] as number,
        cacheWrite: columns.cacheWrite[place] as number,
        output: columns.output[place] as number,
        reasoning: columns.reasoning[place] as number,
        images: columns.images[place] as number,
        cost: Number.isNaN(cost) || pricedBy !== undefined ? null : cost,
        ...(pricedBy === undefined
          ? {}
          : { priced: { cost, assumed: columns.assumed[place] as number, pricedBy } }),
        ...(estimated.has(place) ? { estimated: true } : {}),
        status: statuses[columns.status[place] as number] as string,
        ...(Number.isNaN(requests) ? {} : { requests }),
      },
      format: formats[columns.format[place] as number] as string,
      source: sources[columns.source[place] as number] as string,
      id: ids[place] as string,
      hasOwnId: (flags & HAS_OWN_ID) !== 0,
      supersedes: (flags & SUPERSEDES) !== 0,
      hash: columns.hash[place] as number,
      record: { line: columns.line[place] as number, raw: place },
    };
  };

  const plain = (from: number, to: number): ImportColumns => ({
    count: to - from,
    source: sources[columns.source[from] as number] as string,
    ids: from === 0 && to === ids.length ? ids : ids.slice(from, to),
    user: columns.user.subarray(from, to),
    users,
    kind: columns.kind.subarray(from, to),
    kinds,
    occurredAt: columns.occurredAt.subarray(from, to),
    input: columns.input.subarray(from, to),
    cacheRead: columns.cacheRead.subarray(from, to),
    cacheWrite: columns.cacheWrite.subarray(from, to),
    output: columns.output.subarray(from, to),
    reasoning: columns.reasoning.subarray(from, to),
    images: columns.images.subarray(from, to),
    requests: columns.requests.subarray(from, to).map((requests) => (Number.isNaN(requests) ? 1 : requests)),
    cost: columns.cost.subarray(from, to),
    ...(isPriced
      ? {
          priced: { by: columns.pricedBy.subarray(from, to), assumed: columns.assumed.subarray(from, to) },
        }
      : {}),
    status: columns.status.subarray(from, to),
    statuses,
    hash: columns.hash.subarray(from, to),
  });

  return {
    runs: packed.runs.map(({ from, to, isPlain }) => ({ from, to, plain: isPlain ? plain(from, to) : null })),
    at,
    texts: async (places: readonly number[]) => texts(places),
  };
}

function cut(joined: string, ends: Uint32Array, count: number): string[] {
  const pieces: string[] = [];
  let from = 0;
  for (let place = 0; place < count; place++) {
    const to = ends[place] as number;
    pieces.push(joined.slice(from, to));
    from = to;
  }
  return pieces;
}
