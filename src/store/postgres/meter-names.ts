import type { CallKind } from "../../domain/usage.js";
import type { Asked, Rows, Statement } from "./meter-client.js";

/** Names that the database keeps once and refers to by number. */
export interface Numbers {
  sourceId(name: string): number;
  kindId(kind: CallKind): number;
}

export function kindKey({ provider, model, feature }: CallKind): string {
  return `${provider}\n${model}\n${feature}`;
}

/** The numbers of sources and call kinds, remembered once a batch that needed them has committed. */
export class InternedNames {
  readonly #sources = new Map<string, number>();
  readonly #kinds = new Map<string, number>();

  /** Whatever was remembered may be of another database than the one that answers now. */
  forget(): void {
    this.#sources.clear();
    this.#kinds.clear();
  }

  of(sources: readonly string[], kinds: readonly CallKind[]): BatchNames {
    return new BatchNames(this.#sources, this.#kinds, sources, kinds);
  }
}

/** The names that one batch needs. */
export class BatchNames implements Numbers {
  readonly #newSources = new Map<string, number>();
  readonly #newKinds = new Map<string, number>();
  /** What has to be asked, and handed to `learn`, before a number is asked for. */
  readonly asked: readonly Asked[];

  constructor(
    private readonly sources: Map<string, number>,
    private readonly kinds: Map<string, number>,
    wantedSources: readonly string[],
    wantedKinds: readonly CallKind[],
  ) {
    const unknownSources = [...new Set(wantedSources)].filter((name) => !sources.has(name));
    const unknownKinds = new Map(
      wantedKinds.filter((kind) => !kinds.has(kindKey(kind))).map((kind) => [kindKey(kind), kind]),
    );
    const triples = [...unknownKinds.values()];
    const values = [
      triples.map(({ provider }) => provider),
      triples.map(({ model }) => model),
      triples.map(({ feature }) => feature),
    ];
    this.asked =
      unknownSources.length === 0 && triples.length === 0
        ? []
        : [
            { statement: ADD_KINDS, values },
            { statement: ADD_SOURCES, values: [unknownSources] },
            { statement: FIND_KINDS, values },
            { statement: FIND_SOURCES, values: [unknownSources] },
          ];
  }

  learn([, , kinds = [], sources = []]: readonly Rows[]): void {
    for (const { id, ...kind } of kinds) this.#newKinds.set(kindKey(kind), id);
    for (const { id, name } of sources) this.#newSources.set(name, id);
  }

  sourceId(name: string): number {
    return numberOf(name, this.sources, this.#newSources);
  }

  kindId(kind: CallKind): number {
    return numberOf(kindKey(kind), this.kinds, this.#newKinds);
  }

  /** After the commit: what was new is so no longer. */
  remember(): void {
    for (const [name, id] of this.#newSources) this.sources.set(name, id);
    for (const [key, id] of this.#newKinds) this.kinds.set(key, id);
  }
}

function numberOf(name: string, known: ReadonlyMap<string, number>, added: ReadonlyMap<string, number>) {
  const id = known.get(name) ?? added.get(name);
  if (id === undefined) throw new Error(`"${name}" was not asked for`);
  return id;
}

// In an order, so that two batches that bring the same new names wait for one another and not in a circle.
const ADD_KINDS: Statement = {
  name: "alpha_add_kinds",
  text: `insert into call_kind (provider, model, feature)
    select provider, model, feature
    from unnest($1::text[], $2::text[], $3::text[]) as kind (provider, model, feature)
    order by provider, model, feature
    on conflict do nothing`,
};

const ADD_SOURCES: Statement = {
  name: "alpha_add_sources",
  text: `insert into event_source (name)
    select name from unnest($1::text[]) as source (name) order by name
    on conflict do nothing`,
};

const FIND_KINDS: Statement = {
  name: "alpha_find_kinds",
  text: `select id, provider, model, feature
    from unnest($1::text[], $2::text[], $3::text[]) as kind (provider, model, feature)
    join call_kind using (provider, model, feature)`,
};

const FIND_SOURCES: Statement = {
  name: "alpha_find_sources",
  text: "select id, name from event_source where name = any($1::text[])",
};
