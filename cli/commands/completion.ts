// `millrace completion`: a script that completes commands, options and kinds, made from the commands' own statements.
import { Argument, type Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .summary('a completion script for your shell')
    .description(
      'Prints a completion script. For bash: `source <(millrace completion bash)`; for zsh the same; for fish: `millrace completion fish | source`.',
    )
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => {
      process.stdout.write(scripts[shell](wordsOf(program)));
    });
}

interface Words {
  readonly command: string;
  readonly summary: string;
  readonly options: readonly string[];
  /** What its first argument may be, where that is a closed list. */
  readonly choices: readonly string[];
}

const kindChoices: Readonly<Record<string, readonly string[]>> = {
  get: ['streams', 'routes', 'jobs'],
  describe: ['stream', 'route', 'job'],
  delete: ['stream', 'route'],
};

function wordsOf(program: Command): readonly Words[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({
      command: command.name(),
      summary: command.summary() || command.description(),
      options: command.options
        .flatMap((option) => [option.short, option.long])
        .filter((flag) => typeof flag === 'string'),
      choices:
        kindChoices[command.name()] ??
        command.registeredArguments[0]?.argChoices ??
        command.commands.map((one) => one.name()),
    }));
}

const plain = (text: string): string => text.replace(/['’`"\\$[\]:]/g, '');

const scripts: Readonly<Record<Shell, (words: readonly Words[]) => string>> = {
  bash: (words) => `# bash completion for millrace
_millrace() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${words.map((one) => one.command).join(' ')}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    -f|--file|--data) COMPREPLY=($(compgen -f -- "$current")); return ;;
    -o|--output) COMPREPLY=($(compgen -W "table json yaml name" -- "$current")); return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${words.map((one) => `    ${one.command}) COMPREPLY=($(compgen -W "${[...one.choices, ...one.options].join(' ')}" -- "$current")) ;;`).join('\n')}
  esac
}
complete -o default -F _millrace millrace
`,
  zsh: (words) => `#compdef millrace
# zsh completion for millrace
_millrace() {
  local -a commands
  commands=(
${words.map((one) => `    '${one.command}:${plain(one.summary)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "\${words[CURRENT-1]}" in
    -f|--file|--data) _files; return ;;
    -o|--output) compadd table json yaml name; return ;;
  esac
  case "\${words[2]}" in
${words.map((one) => `    ${one.command}) compadd -- ${[...one.choices, ...one.options].join(' ')} ;;`).join('\n')}
  esac
}
compdef _millrace millrace
`,
  fish: (words) =>
    `# fish completion for millrace\n${words
      .flatMap((one) => [
        `complete -c millrace -f -n __fish_use_subcommand -a ${one.command} -d '${plain(one.summary)}'`,
        ...one.choices.map(
          (choice) => `complete -c millrace -f -n '__fish_seen_subcommand_from ${one.command}' -a ${choice}`,
        ),
        ...one.options
          .filter((flag) => flag.startsWith('--'))
          .map((flag) => `complete -c millrace -n '__fish_seen_subcommand_from ${one.command}' -l ${flag.slice(2)}`),
      ])
      .join('\n')}\n`,
};
