// The command line of a tool that people run from the repository: the head of its file is its help.
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf } from '#core/errors.ts';

/** `file`: the tool's own. Ends the process where help is asked for, and by 2, with the help, where an argument is none of the tool's. */
export function toolArguments<const Config extends ParseArgsConfig>(
  file: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    console.log(helpOf(file, config));
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${helpOf(file, config)}`);
    process.exit(2);
  }
}

/** The comment that the file begins with, and every option with what it is where it is not given. */
function helpOf(file: string, { options = {} }: ParseArgsConfig): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  const head = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('//')),
  );
  const rows = Object.entries(options).map(([name, option]) => {
    const value = option.type === 'string' ? ' VALUE' : '';
    return `  --${name}${value}${option.default === undefined ? '' : ` (default: ${String(option.default)})`}`;
  });
  return [...head.map((line) => line.replace(/^\/\/ ?/, '')), '', 'Options', ...rows].join('\n');
}
