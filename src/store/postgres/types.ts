import pg from "pg";
import { AlphaError } from "../../errors.js";

const { builtins, getTypeParser } = pg.types;

/** What the store keeps fits a number; a sum over a whole system may not, and travels as text. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new AlphaError("database", `the database holds ${text}, which is too large to be read exactly`, {
    hint: "alpha does not write such numbers; restore the row from a backup",
  });
}

/** How values are read: 64-bit integers as numbers, as everywhere in the program; the rest as `pg` does. */
export const TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === builtins.INT8 && format !== "binary"
      ? safeInteger
      : getTypeParser(oid, format as "text")) as pg.CustomTypesConfig["getTypeParser"],
};
