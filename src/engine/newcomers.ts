import type { LedgerUser } from "../domain/ledger-model.js";
import { isEmail, lookupNames, requireUserName } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import { addPrepared, prepareUser } from "./users.js";

/** A log whose users are really something else, such as the ids of sessions, must not onboard all of them. */
const MOST = 10_000;

/** A tester whom an import onboarded, or would onboard. */
export interface AddedUser {
  /** As the log named them. */
  readonly name: string;
  readonly tier: string;
}

interface Expected {
  /** As it is stored. */
  readonly name: string;
  readonly user: LedgerUser;
}

/**
 * The testers that logs name and the database does not know: an import with `addUsers` onboards them onto the default
 * tier, with an audit entry each, in the transaction that adds them.
 */
export class Newcomers {
  /** Names that were looked up. */
  readonly #met = new Set<string>();
  readonly #refused = new Map<string, string>();
  /** Who is yet to be onboarded, by the name that will be stored. */
  readonly #expected = new Map<string, Expected>();
  readonly #added = new Map<string, AddedUser>();
  #numbered = 0;

  constructor(private readonly engine: Engine) {}

  /** In the order in which the logs named them. */
  get added(): readonly AddedUser[] {
    return [...this.#added.values()];
  }

  /** Finds out which of these names are nobody's. To be awaited before any of them is asked about. */
  async meet(names: readonly string[]): Promise<void> {
    const unmet = new Set(names.filter((name) => !this.#met.has(name)));
    if (unmet.size === 0) return;
    await this.engine.store.read(async (tx) => {
      for (const name of unmet) {
        if (this.#find(name) === undefined && (await tx.users.find(name)) === undefined) this.#expect(name);
        this.#met.add(name);
      }
    });
  }

  /** Why nobody can be onboarded under a name; `null` where that is possible or not needed. */
  reasonAgainst(name: string): string | null {
    return this.#refused.get(name) ?? null;
  }

  /** Who is to be onboarded under a name, as the ledger would see them. */
  userOf(name: string): LedgerUser | undefined {
    return this.#find(name)?.user;
  }

  /** Onboards those of the names who are expected; whom another process has added meanwhile is simply there. */
  async admit(names: readonly string[], dryRun: boolean): Promise<void> {
    const expected = new Set<Expected>();
    for (const name of names) {
      const found = this.#find(name);
      if (found !== undefined && !this.#added.has(found.name)) expected.add(found);
    }
    if (expected.size === 0) return;
    const added = await this.engine.store.write(
      async (tx) => {
        const done: [Expected, AddedUser][] = [];
        for (const each of expected) {
          if ((await tx.users.find(each.name)) !== undefined) continue;
          const input = isEmail(each.name) ? { email: each.name } : { id: each.name };
          const { user, problems } = await prepareUser(this.engine, tx, input);
          if (problems[0] !== undefined) throw problems[0];
          const { tier } = await addPrepared(this.engine, tx, user);
          done.push([each, { name: each.name, tier }]);
        }
        return done;
      },
      { dryRun },
    );
    for (const [{ name }, user] of added) this.#added.set(name, user);
    // Whoever is in the database now is found there.
    if (!dryRun) for (const { name } of expected) this.#expected.delete(name);
  }

  #find(name: string): Expected | undefined {
    if (this.#expected.size === 0) return undefined;
    for (const spelling of lookupNames(name)) {
      const found = this.#expected.get(spelling);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #expect(given: string): void {
    const name = this.#storable(given);
    if (name === null) return;
    // The number only has to be nobody else's: the ledger makes it a part of the content's hash.
    this.#numbered -= 1;
    const user = { ...NOBODY_YET, id: this.#numbered, key: name };
    this.#expected.set(name, { name, user });
  }

  #storable(given: string): string | null {
    try {
      if (this.#numbered <= -MOST) {
        throw new AlphaError("failed", "it names more than 10,000 new users, which can hardly be meant");
      }
      return requireUserName("id", given);
    } catch (error) {
      if (!(error instanceof AlphaError)) throw error;
      this.#refused.set(given, error.message);
      return null;
    }
  }
}

const NOBODY_YET: Omit<LedgerUser, "id" | "key"> = {
  status: "active",
  tier: { key: "", label: "", rank: 1, quotas: [], features: [] },
  overrides: [],
  windows: new Map(),
  holds: new Map(),
};
