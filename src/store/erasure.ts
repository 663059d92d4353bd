import type { Rewrite } from "../domain/pseudonym.js";
import type { UsersWriting } from "../engine/ports.js";
import type { Db } from "./schema.js";

/** Audit entries read at a time, so that memory does not grow with them. */
const PAGE = 1_000;

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

export function erasureOn(db: Db): Pick<UsersWriting, "erase" | "rewriteRecords"> {
  return {
    async erase(userId, key) {
      await db.deleteFrom("user_name").where("user_id", "=", userId).execute();
      await db.insertInto("user_name").values({ name: key, user_id: userId, kind: "id" }).execute();
      await db.updateTable("users").set({ key, email: null, name: null }).where("id", "=", userId).execute();
    },
    async rewriteRecords(rewrite) {
      return (
        (await rewriteAudit(db, rewrite)) +
        (await rewriteReasons(db, "stop", rewrite)) +
        (await rewriteReasons(db, "override", rewrite)) +
        (await rewriteImports(db, rewrite))
      );
    },
  };
}

async function rewriteAudit(db: Db, rewrite: Rewrite): Promise<number> {
  let changed = 0;
  for (let last = 0, more = true; more; ) {
    const page = await db
      .selectFrom("audit_entry")
      .select(["id", "subject", "before", "after", "reason"])
      .where("id", ">", last)
      .orderBy("id")
      .limit(PAGE)
      .execute();
    for (const { id, subject, before, after, reason } of page) {
      const record = { subject, before: parsed(before), after: parsed(after), reason };
      const fresh = rewrite(record);
      if (fresh === record) continue;
      changed += 1;
      await db
        .updateTable("audit_entry")
        .set({
          subject: fresh.subject ?? subject,
          before: json(fresh.before),
          after: json(fresh.after),
          reason: fresh.reason,
        })
        .where("id", "=", id)
        .execute();
    }
    last = page.at(-1)?.id ?? last;
    more = page.length === PAGE;
  }
  return changed;
}

/** Of stops and overrides, past ones too. */
async function rewriteReasons(db: Db, table: "stop" | "override", rewrite: Rewrite): Promise<number> {
  const rows = await db
    .selectFrom(table)
    .leftJoin("users", "users.id", `${table}.user_id`)
    .select([`${table}.id as id`, `${table}.reason as reason`, "users.key as key"])
    .where(`${table}.reason`, "is not", null)
    .execute();
  let changed = 0;
  for (const { id, reason, key } of rows) {
    const record = { subject: key === null ? null : `user:${key}`, before: null, after: null, reason };
    const fresh = rewrite(record);
    if (fresh.reason === reason) continue;
    changed += 1;
    await db.updateTable(table).set({ reason: fresh.reason }).where("id", "=", id).execute();
  }
  return changed;
}

/** An import may have been told whose usage a log is. */
async function rewriteImports(db: Db, rewrite: Rewrite): Promise<number> {
  let changed = 0;
  for (const { id, options } of await db.selectFrom("import").select(["id", "options"]).execute()) {
    const record = { subject: null, before: null, after: parsed(options), reason: null };
    const fresh = rewrite(record);
    if (fresh === record) continue;
    changed += 1;
    await db
      .updateTable("import")
      .set({ options: JSON.stringify(fresh.after) })
      .where("id", "=", id)
      .execute();
  }
  return changed;
}
