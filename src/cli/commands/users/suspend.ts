import type { CommandModule } from "../../run.js";
import { setSuspension } from "./suspension.js";

const suspend: CommandModule<object>["default"] = (context, invocation) =>
  setSuspension(true, context, invocation);
export default suspend;
