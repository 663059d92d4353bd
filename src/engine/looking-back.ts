/**
 * How many entries of the ledger back the last event and the last live one are looked for. No index leads to them, since
 * each would cost every call; and whoever stops everything must not wait until millions of imported calls were read.
 */
export const MOST_BACK = 100_000;
