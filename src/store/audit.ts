import type { AuditWriting } from "../engine/ports.js";
import type { Db } from "./schema.js";

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

/** A noun alone, which has nothing in it that a pattern would take for more. */
const NOUN = /^[a-z-]+$/;

export function auditOn(db: Db): AuditWriting {
  return {
    async audit({ id, actor, subject, action, actions, since, until, before, limit }) {
      let query = db.selectFrom("audit_entry").selectAll().orderBy("id", "desc");
      const orOfNoun = (column: "subject" | "action", text: string, separator: string) => {
        query = query.where((eb) =>
          NOUN.test(text)
            ? eb.or([eb(column, "=", text), eb(column, "like", `${text}${separator}%`)])
            : eb(column, "=", text),
        );
      };
      if (id !== undefined) query = query.where("id", "=", id);
      if (actor !== undefined) query = query.where("actor", "=", actor);
      if (subject !== undefined) orOfNoun("subject", subject, ":");
      if (action !== undefined) orOfNoun("action", action, ".");
      if (actions !== undefined) query = query.where("action", "in", actions);
      if (since !== undefined) query = query.where("at", ">=", since);
      if (until !== undefined) query = query.where("at", "<", until);
      if (before !== undefined) query = query.where("id", "<", before);
      if (limit !== undefined) query = query.limit(limit);
      const rows = await query.execute();
      return rows.map((row) => ({ ...row, before: parsed(row.before), after: parsed(row.after) }));
    },
    async audited({ before, after, ...entry }, { decides } = { decides: true }) {
      const { id } = await db
        .insertInto("audit_entry")
        .values({ ...entry, before: json(before), after: json(after) })
        .returning("id")
        .executeTakeFirstOrThrow();
      if (decides) {
        await db
          .updateTable("generation")
          .set((eb) => ({ config: eb("config", "+", 1) }))
          .execute();
      }
      return id;
    },
  };
}
