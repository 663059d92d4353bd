import { suggestionInWords } from "../../../domain/suggest-words.js";
import type { Engine } from "../../../engine/engine.js";
import { displayName } from "../../../engine/find.js";
import { applyMove, type SuggestedMove, type SuggestWanted, suggestMoves } from "../../../engine/suggest.js";
import { AlphaError } from "../../../errors.js";
import { wrap } from "../../../render/text.js";
import {
  costInWords,
  type SuggestedView,
  suggestedJson,
  suggestedTable,
  suggestedText,
} from "../../../render/views/suggest.js";
import type { Context } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import type { Invocation } from "../../run.js";
import { parseCount } from "../../values.js";

interface Options {
  readonly days?: string;
  readonly only?: SuggestWanted["only"];
  readonly apply?: boolean;
}

export default async function suggest(context: Context, { options }: Invocation<Options>): Promise<void> {
  const { days, only, apply = false } = options;
  const engine = await context.engine();
  const suggested = await suggestMoves(engine, {
    ...(days === undefined ? {} : { days: parseCount("--days", days) }),
    ...(only === undefined ? {} : { only }),
  });
  const moves: readonly SuggestedView[] = apply
    ? await applyAll(context, engine, suggested.moves)
    : suggested.moves;
  const { dryRun } = context;
  const view = {
    kind: "suggestions",
    data: moves.map(suggestedJson),
    meta: { count: moves.length, testers: suggested.testers },
    table: suggestedTable(moves, suggested),
    text: (style: Context["style"], width: number | null) =>
      suggestedText(moves, suggested, { style, width, dryRun }),
  };
  if (apply || dryRun) context.changed(view);
  else context.show(view);
}

/** Applies what is agreed to; each on its own, so that a later one cannot undo an earlier one. */
async function applyAll(
  context: Context,
  engine: Engine,
  moves: readonly SuggestedMove[],
): Promise<SuggestedView[]> {
  const isAgreed = context.options.yes === true || context.dryRun;
  if (moves.length > 0 && !isAgreed && !context.interactive) {
    throw new AlphaError("usage", `Apply ${moves.length} suggestions? There is nobody to ask here`, {
      hint: "add --yes to apply them all, or --dry-run to try",
    });
  }
  const told: SuggestedView[] = [];
  for (const move of moves) {
    const agreed = isAgreed || (await isWanted(context, move));
    if (agreed === "stop") {
      context.note("The rest was left as it was.");
      context.exitCode = EXIT.interrupted;
      return [...told, ...moves.slice(told.length).map((each) => ({ ...each, applied: false }))];
    }
    told.push({ ...move, applied: agreed && (await isApplied(context, engine, move)) });
  }
  return told;
}

async function isWanted(context: Context, move: SuggestedMove): Promise<boolean | "stop"> {
  const { confirm } = await import("../../prompts.js");
  const { errorStyle: style } = context;
  const why = `${suggestionInWords(move)}. ${costInWords(move)}.`;
  // Whoever is asked is at a terminal.
  for (const line of wrap(why, context.width ?? why.length)) context.note(style.muted(line));
  const verb = move.direction === "promote" ? "Promote" : "Demote";
  const question = `${verb} ${displayName(move.user)} from ${move.from.key} to ${move.to.key}?`;
  try {
    return await confirm(question, context.io);
  } catch (error) {
    if (error instanceof AlphaError && error.code === "interrupted") return "stop";
    throw error;
  }
}

/** Who was moved since is left alone, and the others are gone on with. */
async function isApplied(context: Context, engine: Engine, move: SuggestedMove): Promise<boolean> {
  try {
    await applyMove(engine, move, { dryRun: context.dryRun });
    return true;
  } catch (error) {
    if (!(error instanceof AlphaError) || error.code !== "conflict") throw error;
    context.warn(error.message);
    return false;
  }
}
