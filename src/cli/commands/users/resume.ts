import type { CommandModule } from "../../run.js";
import { setSuspension } from "./suspension.js";

const resume: CommandModule<object>["default"] = (context, invocation) =>
  setSuspension(false, context, invocation);
export default resume;
