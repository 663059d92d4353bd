import { addUserRows } from "../../../engine/onboard.js";
import { restoreUser } from "../../../engine/removal.js";
import { showTier } from "../../../engine/tiers.js";
import { type AddUser, addUser } from "../../../engine/users.js";
import { AlphaError } from "../../../errors.js";
import { readUsersCsv } from "../../../input/users-csv.js";
import { restoredJson, restoredText } from "../../../render/views/user-changes.js";
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
  readonly restore?: boolean;
}

export default async function add(context: Context, { args, options }: Invocation<Options>): Promise<void> {
  const email = args[0] as string | undefined;
  const { id, name, tier, persona, alias, from } = options;
  if (options.restore === true) return restore(context, email, options);
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

/** Whoever is brought back keeps their names and persona: they can be looked up before, and changed after. */
async function restore(context: Context, name: string | undefined, options: Options): Promise<void> {
  const { dryRun } = context;
  const { id, tier } = options;
  const user = name ?? id;
  const others = [options.name, options.persona, options.alias, options.from];
  if (
    user === undefined ||
    (name !== undefined && id !== undefined) ||
    others.some((each) => each !== undefined)
  ) {
    throw new AlphaError(
      "usage",
      "--restore takes one name of somebody who was removed, and at most --tier beside it",
      {
        hint: "see who was removed with: alpha users list --status removed",
      },
    );
  }
  const done = await restoreUser(
    await context.engine(),
    { user, ...(tier === undefined ? {} : { tier }) },
    { dryRun },
  );
  context.changed({
    kind: "user",
    data: restoredJson(done),
    text: (style, width) => restoredText(done, { dryRun, style, width }),
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
