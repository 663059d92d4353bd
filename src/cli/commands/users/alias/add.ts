import { addAliases } from "../../../../engine/names.js";
import type { CommandModule } from "../../../run.js";
import { changeAliases } from "./change.js";

const add: CommandModule<object>["default"] = (context, invocation) =>
  changeAliases(addAliases, context, invocation);
export default add;
