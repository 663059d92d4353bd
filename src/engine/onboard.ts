import type { User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import type { ChangeOptions, Engine } from "./engine.js";
import { type AddUser, addPrepared, prepareUser } from "./users.js";

/** A row of a list of testers. */
export interface UserRow {
  /** Where it stands in the list, from 1. */
  readonly line: number;
  readonly input: AddUser;
  /** Why it could not be read; then `input` says nothing. */
  readonly problem: string | null;
}

/**
 * Onboards the testers of a list: all of them, or none.
 * @throws AlphaError `failed`, naming every row that cannot be added and everything that is wrong with it
 */
export function addUserRows(
  engine: Engine,
  rows: readonly UserRow[],
  from: string,
  options: ChangeOptions = {},
): Promise<User[]> {
  return engine.store.write(async (tx) => {
    const wrong: string[] = [];
    const lines = new Map<string, number>();
    const prepared = [];
    for (const { line, input, problem } of rows) {
      if (problem !== null) {
        wrong.push(`line ${line}: ${problem}`);
        continue;
      }
      const { user, problems } = await prepareUser(engine, tx, input);
      const reasons = problems.map((each) => each.message);
      const clashes = new Map<number, string>();
      for (const name of new Set([user.email, user.key, ...user.aliases])) {
        if (name === null || name === "") continue;
        const earlier = lines.get(name);
        if (earlier === undefined) lines.set(name, line);
        else if (!clashes.has(earlier)) clashes.set(earlier, name);
      }
      for (const [earlier, name] of clashes) reasons.push(`"${name}" stands on line ${earlier} already`);
      if (reasons.length > 0) wrong.push(`line ${line}: ${reasons.join("; ")}`);
      prepared.push(user);
    }
    if (wrong.length > 0) {
      const many = wrong.length === 1 ? "1 row" : `${wrong.length} rows`;
      throw new AlphaError(
        "failed",
        `${many} of ${from} cannot be added, so nobody was:\n${wrong.map((each) => `  ${each}`).join("\n")}`,
        { hint: "mend the file and run it again; --dry-run only tries it" },
      );
    }
    const added: User[] = [];
    for (const user of prepared) added.push(await addPrepared(engine, tx, user));
    return added;
  }, options);
}
