import type { CommandModule } from "../../run.js";
import { move } from "./move.js";

const demote: CommandModule<object>["default"] = (context, invocation) => move("demote", context, invocation);
export default demote;
