import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { plural, wrap } from "../text.js";
import { comparedText, type VerificationView, verificationJson } from "./verify.js";

interface MovedView {
  readonly from: string;
  readonly to: string;
  readonly resumed: boolean;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  readonly holds: number;
  /** `null`: it was only tried. */
  readonly verification: VerificationView | null;
}

export function movedJson({ from, to, resumed, tables, holds, verification }: MovedView) {
  return {
    from,
    to,
    resumed,
    rows: rowsOf(tables),
    tables,
    holds,
    verification: verification === null ? null : verificationJson(verification),
    source_stopped: verification !== null,
  };
}

export function moveQuestion(from: string, to: string): string {
  return `Stop every call at ${sanitize(from)}, and carry all of it to ${sanitize(to)}?`;
}

export function movedText(
  moved: MovedView,
  { style, width }: { readonly style: Style; readonly width: number | null },
): string {
  const { verification } = moved;
  const head = verification === null ? "Would move" : "Moved";
  const paragraphs = [
    `${head} ${plural(rowsOf(moved.tables), "row")} of ${plural(moved.tables.length, "table")} from ${sanitize(moved.from)} to ${sanitize(moved.to)}${moved.resumed ? ", going on where the last run stopped" : ""}.`,
    ...(verification === null ? triedText(moved) : doneText(moved, verification)),
  ];
  const [first = "", ...rest] = paragraphs.map((text) => wrapped(text, width));
  return `${first.replace(head, style.ok)}${rest.join("")}`;
}

function triedText({ from, holds }: MovedView): string[] {
  return [
    ...(holds === 0 ? [] : [`${plural(holds, "hold")} would go along: ${settledThere(holds)}.`]),
    `Every call at ${sanitize(from)} would be refused from the beginning of the move on.`,
  ];
}

function doneText({ from, to, holds }: MovedView, verification: VerificationView): string[] {
  const { differenceCount } = verification;
  const totals =
    differenceCount === 0
      ? `its totals are right: ${comparedText(verification)}`
      : `${plural(differenceCount, "total")} ${differenceCount === 1 ? "differs" : "differ"} from its ledger, as before: see them with alpha db verify, mend them with alpha db rebuild`;
  return [
    `The new database holds the same rows and sums, and ${totals}.`,
    ...(holds === 0 ? [] : [`${plural(holds, "hold")} went along: ${settledThere(holds)}.`]),
    `Every call at ${sanitize(from)} is refused now, and stays so. Name the new place to whoever meters, in ALPHA_DATABASE, or once and for all: alpha init --remember --database '${sanitize(to)}'`,
  ];
}

function settledThere(holds: number): string {
  return holds === 1
    ? "what its call uses has to be settled at the new place"
    : "what their calls use has to be settled at the new place";
}

function rowsOf(tables: MovedView["tables"]): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}

function wrapped(text: string, width: number | null): string {
  return `${width === null ? text : wrap(text, width).join("\n")}\n`;
}
