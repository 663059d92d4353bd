import type { UserStatus } from "../../../domain/entitlement.js";
import { listUsers } from "../../../engine/users.js";
import { userJson, usersTable } from "../../../render/views/users.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";

interface Options {
  readonly tier?: string;
  readonly status?: UserStatus;
  readonly search?: string;
}

export default async function list(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { tier, status, search } = options;
  const users = await listUsers(await context.engine(), {
    ...(tier === undefined ? {} : { tier }),
    ...(status === undefined ? {} : { status }),
    ...(search === undefined ? {} : { search }),
  });
  context.show({
    kind: "users",
    data: users.map(userJson),
    meta: { count: users.length },
    table: usersTable(users),
  });
}
