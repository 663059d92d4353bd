import type { Command } from "commander";
import { declare } from "../../declare.js";
import type { Run } from "../../run.js";

export function declareCompletion(program: Command, run: Run): void {
  declare(program, run, {
    usage: "completion <shell>",
    summary: "Print the script with which a shell completes alpha's commands, testers and tiers",
    details:
      "For this session of bash: source <(alpha completion bash). For good, write it where your shell looks: for bash ~/.local/share/bash-completion/completions/alpha, for zsh a file _alpha in a folder of $fpath, for fish ~/.config/fish/completions/alpha.fish.",
    args: { shell: "bash, zsh or fish" },
    examples: [
      "source <(alpha completion bash)",
      "alpha completion zsh > _alpha",
      "alpha completion fish | less",
    ],
    load: () => import("./completion.js"),
  });
}
