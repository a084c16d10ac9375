export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What a shell reads once. It asks the program itself what could come next, so that it is never older than the program.
 * Where that has nothing to say, the shell offers files.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# quota-proxy for bash. In ~/.bashrc: source <(quota-proxy completion bash)
_quota_proxy() {
  local value
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    COMPREPLY+=("$value")
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _quota_proxy quota-proxy
`,
  zsh: `#compdef quota-proxy
# quota-proxy for zsh. In ~/.zshrc, after compinit: source <(quota-proxy completion zsh)
_quota_proxy() {
  local line
  local -a candidates
  while IFS= read -r line; do
    candidates+=("\${line/$'\\t'/:}")
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then
    _describe quota-proxy candidates
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _quota_proxy ]]; then
  _quota_proxy "$@"
else
  compdef _quota_proxy quota-proxy
fi
`,
  fish: `# quota-proxy for fish: quota-proxy completion fish > ~/.config/fish/completions/quota-proxy.fish
function __quota_proxy_complete
  set -l words (commandline -opc)
  set -l candidates ($words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $candidates) -gt 0
    printf '%s\\n' $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c quota-proxy -f -a '(__quota_proxy_complete)'
`,
};
