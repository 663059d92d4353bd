import { formatInstant, type Instant } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { plural, size, wrap } from "../text.js";
import { comparedText, type VerificationView, verificationJson } from "./verify.js";

interface Look {
  readonly style: Style;
  readonly width: number | null;
}

interface BackupView {
  readonly path: string;
  readonly bytes: number;
  readonly replaced: boolean;
  readonly verification: VerificationView | null;
}

export function backupJson({ path, bytes, replaced, verification }: BackupView) {
  return {
    path,
    size_bytes: bytes,
    replaced,
    verification: verification === null ? null : verificationJson(verification),
  };
}

export function backupText({ path, bytes, replaced, verification }: BackupView, look: Look): string {
  const { style } = look;
  const instead = replaced ? ", in the place of an older file" : "";
  if (verification === null) {
    return `${style.ok("Would back up")} about ${size(bytes)} to ${sanitize(path)}${instead}.\n`;
  }
  return [
    `${style.ok("Backed up")} ${size(bytes)} to ${sanitize(path)}${instead}.\n`,
    wrapped(`The copy is sound. ${verifiedText(verification)}`, look.width),
  ].join("");
}

/** What adding up a copy showed. */
function verifiedText(verification: VerificationView): string {
  const { differenceCount } = verification;
  if (differenceCount === 0) return `Its totals are right: ${comparedText(verification)}.`;
  return `${plural(differenceCount, "total")} of it ${differenceCount === 1 ? "differs" : "differ"} from its ledger: see them with alpha db verify, mend them with alpha db rebuild.`;
}

interface RestorableView {
  readonly backup: string;
  readonly bytes: number;
  readonly verification: VerificationView;
  readonly asOf: Instant | null;
  readonly holdsDropped: number;
}

interface RestoredView extends RestorableView {
  readonly aside: string | null;
}

export function restoredJson(restored: RestoredView) {
  const { backup, bytes, verification, asOf, holdsDropped, aside } = restored;
  return {
    backup,
    size_bytes: bytes,
    as_of: asOf === null ? null : formatInstant(asOf),
    verification: verificationJson(verification),
    holds_dropped: holdsDropped,
    replaced_database: aside,
    stopped: true,
  };
}

export function restoreQuestion({ backup, asOf, verification }: RestorableView, database: string): string {
  const from = asOf === null ? "" : ` of ${formatInstant(asOf)}`;
  const rows = plural(verification.rows, "row");
  return `Put the backup ${sanitize(backup)}${from}, with ${rows} of the ledger, in the place of ${sanitize(database)}?`;
}

export function restoredText(restored: RestoredView, dryRun: boolean, look: Look): string {
  const { backup, asOf, verification, holdsDropped, aside } = restored;
  const { style } = look;
  const from = asOf === null ? "" : `, which knows nothing that happened after ${formatInstant(asOf)}`;
  const paragraphs = [
    `${dryRun ? "Would restore" : "Restored"} ${sanitize(backup)}${from}.`,
    `The backup is sound. ${verifiedText(verification)}`,
    ...(holdsDropped === 0
      ? []
      : [
          `${plural(holdsDropped, "hold")} of calls that are over ${dryRun ? "would be" : holdsDropped === 1 ? "was" : "were"} dropped.`,
        ]),
    ...(aside === null ? [] : [`The database that was there is kept as ${sanitize(aside)}.`]),
    dryRun
      ? "Every call would be refused until you lift it: an old backup knows nothing of what was used since."
      : "Every call is refused now: an old backup knows nothing of what was used since. Lift it with: alpha emergency-stop off",
  ];
  const [first = "", ...rest] = paragraphs.map((text) => wrapped(text, look.width));
  return `${first.replace(/^(Would restore|Restored)/, style.ok)}${rest.join("")}`;
}

function wrapped(text: string, width: number | null): string {
  return `${width === null ? text : wrap(text, width).join("\n")}\n`;
}
