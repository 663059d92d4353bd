import { removeAliases } from "../../../../engine/names.js";
import type { CommandModule } from "../../../run.js";
import { changeAliases } from "./change.js";

const remove: CommandModule<object>["default"] = (context, invocation) =>
  changeAliases(removeAliases, context, invocation);
export default remove;
