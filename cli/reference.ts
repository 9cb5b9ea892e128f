// docs/reference/cli.md, made from the commands' own statements: `node cli/reference.ts --write` writes it, a test holds it to them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Command, Option } from 'commander';
import { buildProgram } from './program.ts';

const home = join(import.meta.dirname, '..', 'docs', 'reference', 'cli.md');

const exitCodeRows = [
  ['0', 'it was done'],
  ['1', 'it failed, or was refused'],
  ['2', 'the command line was not understood'],
  ['3', '`plan` found something that would change'],
  ['4', 'the time given ran out'],
  ['5', 'a conflict: somebody else changed it, or something else depends on it'],
  ['130', 'Ctrl-C'],
] as const;

export function cliReference(program: Command): string {
  const commands = leavesOf(program);
  return `<!-- Written by \`node cli/reference.ts --write\` from the commands' own statements. Do not edit. -->
# The \`millrace\` command

${program.description()} In the repository: \`npx millrace\`.

Data goes to stdout, progress and remarks go to stderr. \`-o table|json|yaml|name\` chooses how a result is printed.
Questions are asked at a terminal only; \`NO_COLOR\` is heeded. Control characters in records are shown as \`�\` unless \`--raw\` is given.
The API is the one that \`--api\` or \`MILLRACE_API\` names, else that of the platform in the data folder (\`--data\`, \`MILLRACE_DATA_DIR\`, \`.millrace\`).
\`MILLRACE_TOKEN\` is shown to it as a bearer token; an API Gateway that takes AWS identities is asked with a signature by the keys in \`AWS_ACCESS_KEY_ID\` and its like.

| exit code | means |
|---|---|
${exitCodeRows.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

${commands.map(({ name, command }) => `- [\`${name}\`](#millrace-${name.replace(' ', '-')}) ${command.summary()}`).join('\n')}

${commands.map(section).join('\n')}`;
}

interface Leaf {
  /** With its group's: `dlq show`. */
  readonly name: string;
  readonly command: Command;
}

/** The commands that do something, groups opened. */
function leavesOf(program: Command, prefix = ''): readonly Leaf[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .filter((command) => command.name() !== 'help')
    .flatMap((command) => {
      const name = `${prefix}${command.name()}`;
      return command.commands.length > 0 ? leavesOf(command, `${name} `) : [{ name, command }];
    });
}

function section({ name, command }: Leaf): string {
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help');
  const usage = `millrace ${name}${command.registeredArguments.map((one) => ` ${argumentTerm(one)}`).join('')}${options.length > 0 ? ' [options]' : ''}`;
  const rows = [...command.registeredArguments.map(argumentRow), ...options.map(optionRow)].filter(
    (row) => row !== null,
  );
  const table = rows.length === 0 ? '' : `\n| | |\n|---|---|\n${rows.join('\n')}\n`;
  return `## millrace ${name}\n\n\`${usage}\`\n\n${command.description()}\n${table}`;
}

const argumentTerm = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

const argumentRow = (argument: Argument): string | null =>
  argument.description === '' ? null : `| \`${argumentTerm(argument)}\` | ${cell(argument.description)} |`;

function optionRow(option: Option): string {
  const facts = [
    option.argChoices ? `one of ${option.argChoices.join(', ')}` : '',
    option.mandatory ? 'required' : '',
    defaultOf(option),
  ].filter((fact) => fact !== '');
  return `| \`${option.flags}\` | ${cell(option.description)}${facts.length === 0 ? '' : ` (${facts.join('; ')})`} |`;
}

function defaultOf(option: Option): string {
  const value = option.defaultValueDescription ?? option.defaultValue;
  return value === undefined || value === false ? '' : `default ${String(value)}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

if (process.argv[1] === import.meta.filename && process.argv.includes('--write')) {
  writeFileSync(home, cliReference(buildProgram()));
  process.stdout.write(`${home}\n`);
}
