import type { UserStatus } from "../../../domain/entitlement.js";
import { listNear } from "../../../engine/nearness.js";
import { listUsers } from "../../../engine/users.js";
import { nearJson, nearTable } from "../../../render/views/near.js";
import { userJson, usersTable } from "../../../render/views/users.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly tier?: string;
  readonly status?: UserStatus;
  readonly search?: string;
  readonly blocked?: boolean;
  readonly near?: boolean;
}

export default async function list(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { tier, status, search, blocked = false, near = false } = options;
  const engine = await context.engine();
  const filter = {
    ...(tier === undefined ? {} : { tier }),
    ...(status === undefined ? {} : { status }),
    ...(search === undefined ? {} : { search }),
  };
  if (blocked || near) {
    const { users, timeZone } = await listNear(engine, { blocked, near }, filter);
    const states = [...(blocked ? ["blocked"] : []), ...(near ? ["near a limit"] : [])].join(" or ");
    const of = Object.keys(filter).length > 0 ? "Nobody of them" : "Nobody";
    context.show({
      kind: "users",
      data: users.map(nearJson),
      meta: { count: users.length },
      table: nearTable(users, context.width === null ? null : timeZone, `${of} is ${states}.`),
    });
    return;
  }
  const users = await listUsers(engine, filter);
  context.show({
    kind: "users",
    data: users.map(userJson),
    meta: { count: users.length },
    table: usersTable(users, Object.keys(filter).length > 0),
  });
}
