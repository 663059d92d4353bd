export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What a shell runs at its start to complete `alpha`. All that can be completed is asked of `alpha` itself when the key
 * is pressed, so that a script fits every version.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  // For bash 3.2 too, which macOS has. Bash takes words apart at @ and : and =, so they are put together again first.
  bash: `# Completion of alpha for bash. Made by: alpha completion bash
_alpha_complete() {
  local line=\${COMP_LINE:0:COMP_POINT} current='' at piece kind='' word
  local words=()
  # From the cursor backwards: pieces with no blank between them are one word.
  for ((at = COMP_CWORD; at > 0; at--)); do
    piece=\${COMP_WORDS[at]}
    ((at == COMP_CWORD)) && while [[ -n $piece && $line != *"$piece" ]]; do piece=\${piece%?}; done
    line=\${line%"$piece"}
    current=$piece$current
    if [[ $line == *[[:blank:]] || at -eq 1 ]]; then
      words=("$current" "\${words[@]+"\${words[@]}"}")
      current=''
      while [[ $line == *[[:blank:]] ]]; do line=\${line%?}; done
    fi
  done
  ((\${#words[@]} > 0)) || words=('')
  local last=\${words[\${#words[@]} - 1]} quoted=''
  case $last in
    [\\"\\']*)
      quoted=yes
      last=\${last:1}
      words[\${#words[@]} - 1]=$last
      ;;
  esac
  # Bash replaces no more than $2: what stands behind the last : or =, or from the last @ on.
  local kept=''
  [[ $last == *"$2" ]] && kept=\${last%"$2"}
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ -z $kind ]]; then
      kind=$word
      continue
    fi
    word=\${word%%$'\\t'*}
    word=\${word#"$kept"}
    [[ -n $quoted ]] || printf -v word %q "$word"
    COMPREPLY+=("$word")
  done < <(command alpha __complete -- "\${words[@]}" 2>/dev/null)
  if [[ $kind == files ]]; then
    compopt -o filenames 2>/dev/null
    local option=''
    [[ $last == --*=* ]] && option=\${last%%=*}=
    while IFS= read -r word; do
      word=$option$word
      COMPREPLY+=("\${word#"$kept"}")
    done < <(compgen -f -- "\${last#"$option"}")
  fi
}
complete -o nosort -F _alpha_complete alpha 2>/dev/null || complete -F _alpha_complete alpha
`,
  zsh: `#compdef alpha
# Completion of alpha for zsh. Made by: alpha completion zsh
_alpha() {
  local -a answer values shown
  local line
  answer=("\${(@f)$(command alpha __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  if [[ $answer[1] == files ]]; then
    _files
    return
  fi
  for line in "\${(@)answer[2,-1]}"; do
    values+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  compadd -l -d shown -a values
}
if [[ $funcstack[1] == _alpha ]]; then
  _alpha "$@"
else
  compdef _alpha alpha
fi
`,
  fish: `# Completion of alpha for fish. Made by: alpha completion fish
function __alpha_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l answer (command alpha __complete -- $words "$current" 2>/dev/null)
    if test "$answer[1]" = files
        __fish_complete_path "$current"
    else
        set -e answer[1]
        string join \\n -- $answer
    end
end
complete -c alpha -f -a '(__alpha_complete)'
`,
};
