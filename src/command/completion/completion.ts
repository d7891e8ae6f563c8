import { toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { ASK } from './ask.ts';

const BASH = `_latchkey() {
  local IFS=$'\\n'
  COMPREPLY=($(latchkey ${ASK} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _latchkey latchkey
`;
const ZSH = `#compdef latchkey
_latchkey() {
  local -a found
  local line
  for line in "\${(@f)$(latchkey ${ASK} "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe 'latchkey' found; else _files; fi
}
compdef _latchkey latchkey
`;
const FISH = `function __latchkey_complete
  set -l words (commandline -opc) (commandline -ct)
  latchkey ${ASK} $words[2..-1] 2>/dev/null
end
complete -c latchkey -f -a '(__latchkey_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** Prints what a shell evaluates at its start: `eval "$(latchkey completion bash)"`. */
export const printCompletion = command(async (context: Context, _flags: object, shell: string): Promise<Outcome> => {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined)
    throw new CommandFailure(EXIT.usage, `There is no completion for ${shell}. There is one for bash, zsh and fish.`);
  toStdout(context, script);
  return undefined;
});
