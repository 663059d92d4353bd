import { Chalk } from "chalk";

type Paint = (text: string) => string;

/** How text looks, by what it means. Without colour every function returns its text unchanged. */
export interface Style {
  readonly color: boolean;
  /** False: draw with ASCII only (`...` for `…`, `-` for `─`). */
  readonly unicode: boolean;
  readonly heading: Paint;
  readonly muted: Paint;
  readonly ok: Paint;
  readonly warn: Paint;
  readonly bad: Paint;
  readonly emphasis: Paint;
  readonly code: Paint;
}

/** A style in the terminal's own 16 colours, which follow the theme of whoever looks; `unicode` is on by default. */
export function createStyle({ color, unicode = true }: { color: boolean; unicode?: boolean }): Style {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  return {
    color,
    unicode,
    heading: (text) => chalk.bold(text),
    muted: (text) => chalk.dim(text),
    ok: (text) => chalk.green(text),
    warn: (text) => chalk.yellow(text),
    bad: (text) => chalk.red(text),
    emphasis: (text) => chalk.bold(text),
    code: (text) => chalk.cyan(text),
  };
}
