/** What decides about colour. */
export interface ColorInputs {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  /** `false` for `--no-color`. `true` is only the option parser's default and forces nothing. */
  readonly flag?: boolean | undefined;
}

/**
 * Whether to colour. The first that speaks decides: `--no-color`, `NO_COLOR` (any non-empty value), `FORCE_COLOR`
 * (`0` and `false` are no, any other non-empty value is yes, even into a pipe), `TERM=dumb`, the terminal.
 */
export function shouldColor({ env, isTTY, flag }: ColorInputs): boolean {
  if (flag === false || env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return isTTY && env.TERM !== "dumb";
}
