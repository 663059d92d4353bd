import { type Amounts, addAmounts, type Meter, noAmounts } from "../domain/meter.js";
import type { PersonaKey } from "../domain/persona.js";
import { lookupNames, type User } from "../domain/user.js";
import type { UserFilter, UsersWriting } from "../engine/ports.js";
import { erasureOn } from "./erasure.js";
import { overrideOf } from "./override-row.js";
import type { Db } from "./schema.js";
import { tierIdOf } from "./tiers.js";
import { userChangesOn } from "./user-changes.js";

function currentUsers(db: Db) {
  return db
    .selectFrom("users")
    .innerJoin("membership", (join) =>
      join.onRef("membership.user_id", "=", "users.id").on("membership.valid_to", "is", null),
    )
    .innerJoin("tier", "tier.id", "membership.tier_id")
    .select([
      "users.id",
      "users.key",
      "users.email",
      "users.name",
      "users.persona",
      "users.created_at",
      "membership.status",
      "tier.key as tier",
    ]);
}

async function withAliases(
  db: Db,
  rows: Awaited<ReturnType<ReturnType<typeof currentUsers>["execute"]>>,
  only: number | null,
): Promise<User[]> {
  let query = db.selectFrom("user_name").select(["user_id", "name"]).where("kind", "=", "alias");
  if (only !== null) query = query.where("user_id", "=", only);
  const aliases = new Map<number, string[]>();
  for (const { user_id, name } of await query.orderBy("name").execute()) {
    const names = aliases.get(user_id);
    if (names === undefined) aliases.set(user_id, [name]);
    else names.push(name);
  }
  return rows.map(({ created_at, persona, ...row }) => ({
    ...row,
    persona: persona as PersonaKey | null,
    createdAt: created_at,
    aliases: aliases.get(row.id) ?? [],
  }));
}

export function usersOn(db: Db): UsersWriting {
  const byId = async (id: number) => {
    const rows = await currentUsers(db).where("users.id", "=", id).execute();
    return (await withAliases(db, rows, id))[0];
  };
  const liveOverrides = (userId: number) =>
    db.selectFrom("override").selectAll().where("user_id", "=", userId).where("valid_to", "is", null);

  return {
    async find(name) {
      const spellings = lookupNames(name);
      const rows = await db
        .selectFrom("user_name")
        .select(["name", "user_id"])
        .where("name", "in", spellings)
        .execute();
      // As typed wins: an alias may differ from another name by case alone.
      const found = spellings.map((spelling) => rows.find((row) => row.name === spelling)).find((row) => row);
      return found === undefined ? undefined : byId(found.user_id);
    },
    async list(filter: UserFilter = {}) {
      let query = currentUsers(db);
      if (filter.tier !== undefined) query = query.where("tier.key", "=", filter.tier);
      if (filter.status !== undefined) query = query.where("membership.status", "=", filter.status);
      else if (filter.removed !== true) query = query.where("membership.status", "!=", "removed");
      const users = await withAliases(db, await query.orderBy("users.id").execute(), null);
      const { search } = filter;
      if (search === undefined) return users;
      const wanted = search.toLowerCase();
      return users.filter((user) =>
        [user.key, user.email, user.name, ...user.aliases].some((text) =>
          text?.toLowerCase().includes(wanted),
        ),
      );
    },
    async names() {
      return (await db.selectFrom("user_name").select("name").execute()).map((row) => row.name);
    },
    async overrides(userId) {
      return (await liveOverrides(userId).orderBy("id").execute()).map(overrideOf);
    },
    async windowUsage(userId, period, index) {
      const row = await db
        .selectFrom("usage_window")
        .select(["tokens", "images", "cost", "requests"])
        .where("user_id", "=", userId)
        .where("period", "=", period)
        .where("window_index", "=", index)
        .executeTakeFirst();
      return row ?? noAmounts();
    },
    async windowUsages(tier, period, index) {
      const rows = await db
        .selectFrom("usage_window")
        .innerJoin("membership", (join) =>
          join
            .onRef("membership.user_id", "=", "usage_window.user_id")
            .on("membership.valid_to", "is", null)
            .on("membership.status", "!=", "removed"),
        )
        .innerJoin("tier", "tier.id", "membership.tier_id")
        .select(["usage_window.user_id", "tokens", "images", "cost", "requests"])
        .where("tier.key", "=", tier)
        .where("period", "=", period)
        .where("window_index", "=", index)
        .execute();
      return new Map(rows.map(({ user_id, ...amounts }) => [user_id, amounts]));
    },
    async forgiven(userId, period, index) {
      const rows = await db
        .selectFrom("forgiveness")
        .select(["meter", "amount"])
        .where("user_id", "=", userId)
        .where("period", "=", period)
        .where("window_index", "=", index)
        .execute();
      const amounts = noAmounts();
      for (const { meter, amount } of rows) amounts[meter as Meter] += amount;
      return amounts;
    },
    async held(userId, at) {
      const rows = await db
        .selectFrom("hold")
        .select(["tokens", "images", "cost", "requests"])
        .where("user_id", "=", userId)
        .where("expires_at", ">", at)
        .execute();
      return rows.reduce(addAmounts, noAmounts());
    },
    async everyWindowUsage(period, index) {
      const rows = await db
        .selectFrom("usage_window")
        .select(["user_id", "tokens", "images", "cost", "requests"])
        .where("period", "=", period)
        .where("window_index", "=", index)
        .execute();
      return byUser(rows);
    },
    async everyForgiven(period, index) {
      const rows = await db
        .selectFrom("forgiveness")
        .select(["user_id", "meter", "amount"])
        .where("period", "=", period)
        .where("window_index", "=", index)
        .execute();
      return byUser(rows.map(({ user_id, meter, amount }) => ({ ...noAmounts(), user_id, [meter]: amount })));
    },
    async everyHeld(at) {
      const rows = await db
        .selectFrom("hold")
        .select(["user_id", "tokens", "images", "cost", "requests"])
        .where("expires_at", ">", at)
        .execute();
      return byUser(rows);
    },
    async since(userId) {
      const rows = await db
        .selectFrom("membership")
        .select(["tier_id", "status", "valid_from"])
        .where("user_id", "=", userId)
        .orderBy("id", "desc")
        .execute();
      const startOf = (same: (row: (typeof rows)[number]) => boolean) => {
        const other = rows.findIndex((row) => !same(row));
        return rows[(other < 0 ? rows.length : other) - 1]!.valid_from;
      };
      return {
        tier: startOf((row) => row.tier_id === rows[0]!.tier_id),
        status: startOf((row) => row.status === rows[0]!.status),
      };
    },
    async add(user, at) {
      const { id } = await db
        .insertInto("users")
        .values({ key: user.key, email: user.email, name: user.name, persona: user.persona, created_at: at })
        .returning("id")
        .executeTakeFirstOrThrow();
      const names = [
        { name: user.key, kind: "id" as const },
        ...(user.email === null || user.email === user.key
          ? []
          : [{ name: user.email, kind: "email" as const }]),
        ...user.aliases.map((name) => ({ name, kind: "alias" as const })),
      ];
      await db
        .insertInto("user_name")
        .values(names.map((name) => ({ ...name, user_id: id })))
        .execute();
      await db
        .insertInto("membership")
        .values({
          user_id: id,
          tier_id: await tierIdOf(db, user.tier),
          status: "active",
          valid_from: at,
          valid_to: null,
        })
        .execute();
      return (await byId(id)) as User;
    },
    async setMembership(userId, change, at) {
      await db
        .updateTable("membership")
        .set({ valid_to: at })
        .where("user_id", "=", userId)
        .where("valid_to", "is", null)
        .execute();
      await db
        .insertInto("membership")
        .values({
          user_id: userId,
          tier_id: await tierIdOf(db, change.tier),
          status: change.status,
          valid_from: at,
          valid_to: null,
        })
        .execute();
    },
    async clearOverrides(userId, at) {
      const live = (await liveOverrides(userId).orderBy("id").execute()).map(overrideOf);
      await db
        .updateTable("override")
        .set({ valid_to: at })
        .where("user_id", "=", userId)
        .where("valid_to", "is", null)
        .execute();
      return live;
    },
    ...userChangesOn(db),
    ...erasureOn(db),
  };
}

/** Amounts added up by whose they are. */
function byUser(rows: readonly (Readonly<Amounts> & { readonly user_id: number })[]): Map<number, Amounts> {
  const sums = new Map<number, Amounts>();
  for (const row of rows) sums.set(row.user_id, addAmounts(sums.get(row.user_id) ?? noAmounts(), row));
  return sums;
}
