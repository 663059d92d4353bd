import type { Style } from "../style.js";
import type { Table } from "../table.js";

export interface CronView {
  readonly crontab: string;
  readonly service: string;
  readonly timer: string;
  /** The command itself, word by word. */
  readonly command: readonly string[];
  readonly database: string;
  readonly timeZone: string;
}

type CronOnly = "crontab" | "systemd" | undefined;

const UNIT_FOLDER = "/etc/systemd/system";
const UNIT = "alpha-reset";

export function cronJson(view: CronView) {
  return {
    crontab: view.crontab,
    systemd: [
      { path: `${UNIT_FOLDER}/${UNIT}.service`, text: view.service },
      { path: `${UNIT_FOLDER}/${UNIT}.timer`, text: view.timer },
    ],
    command: view.command,
    database: view.database,
    time_zone: view.timeZone,
  };
}

interface CronFile {
  readonly file: string;
  readonly text: string;
}

/** For CSV and Markdown: the line of the crontab and the two units, each as it is pasted. */
export function cronTable(view: CronView, only: CronOnly): Table<CronFile> {
  const units = cronJson(view).systemd.map(({ path, text }) => ({ file: path, text }));
  return {
    rows: [
      ...(only === "systemd" ? [] : [{ file: "crontab", text: view.crontab }]),
      ...(only === "crontab" ? [] : units),
    ],
    empty: "",
    columns: [
      { key: "file", header: "FILE", text: ({ file }) => file },
      { key: "text", header: "TEXT", text: ({ text }) => text },
    ],
  };
}

/** Everything to paste; what explains it is a comment both in a crontab and in a unit. */
export function cronText(view: CronView, only: CronOnly, style: Style): string {
  if (only === "crontab") return `${view.crontab}\n`;
  const say = (text: string) => style.muted(`# ${text}`);
  const crontab = [
    say(`Closes each day that is over in ${view.timeZone}.`),
    say("It runs hourly, since cron goes by the machine's clock, and does nothing"),
    say("while no day has ended. Add it with: crontab -e"),
    view.crontab,
  ];
  const systemd = [
    say(`${UNIT_FOLDER}/${UNIT}.service`),
    view.service,
    say(`${UNIT_FOLDER}/${UNIT}.timer`),
    view.timer,
    say("Then: sudo systemctl daemon-reload"),
    say(`and:  sudo systemctl enable --now ${UNIT}.timer`),
  ];
  if (only === "systemd") return `${systemd.join("\n")}\n`;
  return `${[...crontab, "", say("Or, with systemd instead of cron, these two files:"), "", ...systemd].join("\n")}\n`;
}
