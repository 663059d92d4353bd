import type { Command } from "commander";
import type { Run } from "../../run.js";

export function declareEmergency(_program: Command, _run: Run): void {}
