/** The version of this package; the build puts it in from package.json. */
export const VERSION: string = process.env.ALPHA_LIMITS_VERSION ?? "0.0.0";
