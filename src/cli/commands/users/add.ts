import { addUserRows } from "../../../engine/onboard.js";
import { showTier } from "../../../engine/tiers.js";
import { type AddUser, addUser } from "../../../engine/users.js";
import { AlphaError } from "../../../errors.js";
import { readUsersCsv } from "../../../input/users-csv.js";
import { addedJson, addedManyText, addedText, userJson } from "../../../render/views/users.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly id?: string;
  readonly name?: string;
  readonly tier?: string;
  readonly persona?: string;
  readonly alias?: readonly string[];
  readonly from?: string;
}

export default async function add(context: Context, { args, options }: Invocation<Options>): Promise<void> {
  const email = args[0] as string | undefined;
  const { id, name, tier, persona, alias, from } = options;
  if (from !== undefined) {
    if (email !== undefined || id !== undefined || name !== undefined || alias !== undefined) {
      throw new AlphaError(
        "usage",
        "--from takes everybody from a file: an email, --id, --name or --alias beside it says nothing",
        {
          hint: "--tier and --persona may stand beside it, for rows that give none",
        },
      );
    }
    return addMany(context, from, { tier, persona });
  }
  const given: AddUser = {
    ...(email === undefined ? {} : { email }),
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(tier === undefined ? {} : { tier }),
    ...(persona === undefined ? {} : { persona }),
    ...(alias === undefined ? {} : { aliases: alias }),
  };
  const bare = email === undefined && id === undefined;
  if (bare && !context.interactive) {
    throw new AlphaError(
      "usage",
      "a new user needs an email address or an id, and there is nobody to ask here",
      {
        hint: "for example: alpha users add ada@example.com, or many with: alpha users add --from users.csv",
      },
    );
  }
  const engine = await context.engine();
  const input = bare ? await (await import("./ask.js")).askForUser(engine, context.io, given) : given;
  const user = await addUser(engine, input, { dryRun: context.dryRun });
  const onTier = await showTier(engine, user.tier);
  context.changed({
    kind: "user",
    data: addedJson(user, onTier),
    text: (style) => addedText(user, onTier, context.dryRun, style),
  });
}

async function addMany(
  context: Context,
  from: string,
  otherwise: { readonly tier: string | undefined; readonly persona: string | undefined },
): Promise<void> {
  const engine = await context.engine();
  const { stdin, signal } = context.io;
  const read = await readUsersCsv(from, { stdin, signal });
  const { tier, persona } = otherwise;
  const rows = read.map((row) => ({
    ...row,
    input: {
      ...(tier === undefined ? {} : { tier }),
      ...(persona === undefined ? {} : { persona }),
      ...row.input,
    },
  }));
  const users = await addUserRows(engine, rows, from === "-" ? "stdin" : from, { dryRun: context.dryRun });
  context.changed({
    kind: "users",
    data: users.map(userJson),
    meta: { count: users.length },
    text: (style, width) => addedManyText(users, context.dryRun, style, width),
  });
}
