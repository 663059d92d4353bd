import { quotaName } from "../../../domain/meter.js";
import { displayName } from "../../../engine/find.js";
import { type Moved, moveUser } from "../../../engine/users.js";
import { movedJson, movedText } from "../../../render/views/moved.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly to?: string;
  readonly clearOverrides?: boolean;
  readonly reason?: string;
}

/** `promote` and `demote`, which differ by their direction alone. */
export async function move(
  direction: "promote" | "demote",
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const { to, clearOverrides, reason } = options;
  const moved = await moveUser(
    await context.engine(),
    direction,
    {
      user: args[0] as string,
      ...(to === undefined ? {} : { to }),
      ...(clearOverrides === undefined ? {} : { clearOverrides }),
      ...(reason === undefined ? {} : { reason }),
    },
    { dryRun: context.dryRun },
  );
  context.changed({
    kind: direction === "promote" ? "promotion" : "demotion",
    data: movedJson(moved),
    text: (style, width) => movedText(moved, direction, context.dryRun, style, width),
  });
  warnOfBlock(context, moved);
}

/** A move down may leave somebody with nothing for the rest of the window. */
function warnOfBlock(context: Context, { user, before, after }: Moved): void {
  const wasBlocked = new Set(before.filter((each) => each.outcome === "block").map(quotaName));
  const blocked = after.filter((each) => each.outcome === "block" && !wasBlocked.has(quotaName(each)));
  if (blocked.length === 0) return;
  const names = blocked.map(quotaName).join(", ");
  const is = context.dryRun ? "would be" : "is";
  context.warn(`${displayName(user)} ${is} blocked at once; used up: ${names}`);
}
