import { AlphaError } from "../errors.js";

/** A word as a shell reads it back unchanged; quoted only where it has to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The line of a crontab that runs a command in the fifth minute of every hour: cron runs by the machine's clock, which
 * need not be in the accounting zone, and days there may have 23 or 25 hours.
 * @throws AlphaError `failed` for a word with a line break, which a crontab cannot carry
 */
export function crontabLine(words: readonly string[]): string {
  requireOneLine(words);
  // Cron makes an unescaped % a line break, inside quotes too, and takes the backslash away.
  return `5 * * * * ${words.map(shellWord).join(" ").replaceAll("%", "\\%")}`;
}

/** The service that the timer starts. `user`: as whom it runs. */
export function systemdService(words: readonly string[], user: string): string {
  requireOneLine(words);
  return `[Unit]
Description=Close the finished days of alpha

[Service]
Type=oneshot
User=${user}
ExecStart=${words.map(systemdWord).join(" ")}
`;
}

/** `Persistent`: an hour that the machine slept through is made up for. */
export function systemdTimer(): string {
  return `[Unit]
Description=Close the finished days of alpha, hourly

[Timer]
OnCalendar=hourly
RandomizedDelaySec=5min
Persistent=true

[Install]
WantedBy=timers.target
`;
}

function systemdWord(text: string, index: number): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%");
  // The program's own path is the one word in which systemd does not look for variables.
  return `"${index === 0 ? escaped : escaped.replaceAll("$", "$$$$")}"`;
}

function requireOneLine(words: readonly string[]): void {
  const broken = words.find((word) => /[\r\n\0]/.test(word));
  if (broken !== undefined) {
    throw new AlphaError("failed", `the path ${JSON.stringify(broken)} has a line break in it`, {
      hint: "neither cron nor systemd can be given such a path; move it",
    });
  }
}
