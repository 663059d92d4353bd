import type { Migration } from "kysely";
import * as initial from "./0001_initial.js";
import * as pricesAndCorrections from "./0002_prices_and_corrections.js";
import * as guardrailShards from "./0003_guardrail_shards.js";
import * as operatorsDesk from "./0004_operators_desk.js";
import * as lateSettles from "./0005_late_settles.js";
import type { Flavor } from "./flavor.js";
import type { MIGRATION_NAMES } from "./names.js";

export type { Flavor } from "./flavor.js";

/** Every migration in its order, as a static map: bundled with the program, never looked up in a folder. */
export function migrations(on: Flavor): Record<(typeof MIGRATION_NAMES)[number], Migration> {
  return {
    "0001_initial": { up: (db) => initial.up(db, on) },
    "0002_prices_and_corrections": { up: (db) => pricesAndCorrections.up(db, on) },
    "0003_guardrail_shards": { up: (db) => guardrailShards.up(db, on) },
    "0004_operators_desk": { up: (db) => operatorsDesk.up(db, on) },
    "0005_late_settles": { up: (db) => lateSettles.up(db, on) },
  };
}
