import type { User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { requireUser } from "./find.js";
import { LimitsEngine, type Recorded, type UsageReport } from "./limits.js";

export interface RecordUsage {
  /** Id, email or alias. */
  readonly user: string;
  readonly usage: UsageReport;
  /** Makes a retry count once; made up when left out. */
  readonly id?: string;
}

export interface UsageRecorded extends Recorded {
  readonly status: "inserted" | "duplicate";
  readonly user: User;
}

/**
 * Records one call by an operator's hand, as the product would have done.
 * @throws AlphaError `not-found` for an unknown user, `conflict` when the id is in the ledger with other content
 */
export async function recordUsage(
  engine: Engine,
  { user: name, usage, id }: RecordUsage,
  { dryRun = false }: ChangeOptions = {},
): Promise<UsageRecorded> {
  const user = await engine.store.read((tx) => requireUser(tx, name));
  const limits = new LimitsEngine(engine);
  const recorded = dryRun
    ? await limits.previewRecord(name, usage, id)
    : await limits.record(name, usage, id === undefined ? {} : { id });
  const { status } = recorded;
  if (status === "conflict") {
    throw new AlphaError("conflict", `the id "${recorded.id}" is in the ledger already with other content`, {
      hint: "see it with: alpha usage events; leave --id out to record another call",
    });
  }
  if (status === "inserted" && !dryRun) await auditRecord(engine, user, recorded);
  return { ...recorded, status, user };
}

/** After the usage rather than with it: metering has its own connection, and a ledger row says what was counted. */
function auditRecord(engine: Engine, user: User, { id, cost, assumed }: Recorded): Promise<number> {
  return engine.store.write((tx) =>
    audit(engine, tx, engine.now(), {
      action: "usage.record",
      subject: `user:${user.key}`,
      after: { id, cost, assumed },
    }),
  );
}
