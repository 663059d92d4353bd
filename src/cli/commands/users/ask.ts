import { PERSONA_KEYS, PERSONAS } from "../../../domain/persona.js";
import { lookupNames, requireEmail } from "../../../domain/user.js";
import type { Engine } from "../../../engine/engine.js";
import { listTiers } from "../../../engine/tiers.js";
import type { AddUser } from "../../../engine/users.js";
import { AlphaError } from "../../../errors.js";
import { count } from "../../../render/text.js";
import { limitsSentence } from "../../../render/views/quotas.js";
import type { Io } from "../../io.js";
import { askChoice, askText } from "../../prompts.js";

/** Asks for what was not given of a new tester. */
export async function askForUser(engine: Engine, io: Io, given: AddUser): Promise<AddUser> {
  const names = new Set(await engine.store.read((tx) => tx.users.names()));
  const tiers = await listTiers(engine);
  const email = await askText(io, { message: "Email:", check: (text) => faultOf(text, names) });
  const name = given.name ?? (await askText(io, { message: "Name (optional):" }));
  const start = tiers.find((tier) => tier.isDefault)?.key;
  const tier =
    given.tier ??
    (await askChoice(io, {
      message: "Tier:",
      choices: tiers.map(({ key, label, quotas, features }) => ({
        name: `${key} (${label})`,
        value: key,
        description: `${limitsSentence(quotas)}; features: ${features.join(", ") || "none"}`,
      })),
      ...(start === undefined ? {} : { initial: start }),
    }));
  const persona =
    given.persona ??
    (await askChoice<string | null>(io, {
      message: "Expected to use it like:",
      choices: [
        {
          name: "not known",
          value: null,
          description: "it is inferred from three days of use; it never limits anybody",
        },
        ...PERSONA_KEYS.map((key) => ({
          name: key,
          value: key,
          description: `about ${count(PERSONAS[key].tokensPerDay)} tokens and ${PERSONAS[key].imagesPerDay} images a day`,
        })),
      ],
      initial: null,
    }));
  return { ...given, email, name, tier, ...(persona === null ? {} : { persona }) };
}

function faultOf(text: string, names: ReadonlySet<string>): string | null {
  try {
    const email = requireEmail(text);
    return lookupNames(email).some((name) => names.has(name)) ? `${email} is taken already` : null;
  } catch (error) {
    if (!(error instanceof AlphaError)) throw error;
    return `${error.message}; ${error.hint}`;
  }
}
