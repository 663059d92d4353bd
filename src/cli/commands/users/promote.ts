import type { CommandModule } from "../../run.js";
import { move } from "./move.js";

const promote: CommandModule<object>["default"] = (context, invocation) =>
  move("promote", context, invocation);
export default promote;
