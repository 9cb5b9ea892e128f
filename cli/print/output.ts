// `-o table|json|yaml|name`: one value, four ways to print it.
import { Option } from 'commander';
import { withoutControls, writeOut } from '#cli/terminal.ts';

export const outputFormats = ['table', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export const outputOption = (formats: readonly OutputFormat[] = outputFormats): Option =>
  new Option('-o, --output <format>', 'how to print it').choices(formats).default('table');

export interface Printable {
  /** What `json` and `yaml` print. */
  readonly value: unknown;
  readonly table: () => string;
  /** One `kind/name` a line. */
  readonly names: () => readonly string[];
}

export async function printAs(format: OutputFormat, printable: Printable): Promise<void> {
  switch (format) {
    case 'table':
      return writeOut(printable.table());
    case 'json':
      return writeOut(shown(`${JSON.stringify(printable.value, null, 2)}\n`));
    case 'yaml':
      return writeOut(shown(await toYaml(printable.value)));
    case 'name':
      return writeOut(
        printable
          .names()
          .map((name) => `${withoutControls(name)}\n`)
          .join(''),
      );
  }
}

/** Whole for a program, harmless for a terminal. */
export const shown = (text: string): string => (process.stdout.isTTY ? withoutControls(text) : text);

export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('./yaml.ts');
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
