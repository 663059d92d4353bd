import fc from "fast-check";

/**
 * Property tests try the same values in every run, so that a change is judged by what it changed. To look for what
 * those do not find, run them with another seed: `ALPHA_TEST_SEED=7 npm test`.
 */
fc.configureGlobal({ seed: Number(process.env.ALPHA_TEST_SEED ?? 20_261_122) });
