import { PERSONA_KEYS, type PersonaKey } from "../domain/persona.js";
import type { User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, nearest, requirePresentUser } from "./find.js";

/** Says that a tester has no persona. */
const NONE = "none";

/**
 * A persona by its key.
 * @param besides what else may be said in its place, for the hint
 * @throws AlphaError `usage` for any other text
 */
export function requirePersona(text: string, besides: readonly string[] = []): PersonaKey {
  const found = PERSONA_KEYS.find((key) => key === text.trim().toLowerCase());
  if (found !== undefined) return found;
  const suggestion = nearest(text, PERSONA_KEYS);
  throw new AlphaError(
    "usage",
    `no persona "${text}"${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
    { hint: `there are: ${[...PERSONA_KEYS, ...besides].join(", ")}` },
  );
}

export interface ChangePersona {
  readonly user: string;
  /** `none`: they are given none any more. */
  readonly persona: string;
  readonly reason?: string;
}

/** A user with another persona, and as they were before. */
export interface PersonaChanged {
  readonly user: User;
  readonly before: User;
}

/** Changes how a tester is expected to use the product. It limits nothing; reports compare with it, of past months too. */
export async function changePersona(
  engine: Engine,
  input: ChangePersona,
  options: ChangeOptions = {},
): Promise<PersonaChanged> {
  const persona = input.persona.trim().toLowerCase() === NONE ? null : requirePersona(input.persona, [NONE]);
  return engine.store.write(async (tx) => {
    const before = await requirePresentUser(tx, input.user);
    if (before.persona === persona) {
      const who = displayName(before);
      throw new AlphaError(
        "conflict",
        persona === null ? `${who} has no persona` : `${who} has the persona ${persona} already`,
        { hint: `see what they are expected to use with: alpha users show ${before.key}` },
      );
    }
    await tx.users.setPersona(before.id, persona);
    const user = { ...before, persona };
    await audit(engine, tx, engine.now(), {
      action: "users.persona",
      subject: `user:${user.key}`,
      before: { persona: before.persona },
      after: { persona },
      reason: input.reason?.trim() || null,
    });
    return { user, before };
  }, options);
}
