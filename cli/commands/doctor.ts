// `millrace doctor`: what the platform needs of this machine, what is missing, and what to do about it.
import type { Command } from 'commander';
import type { Finding } from '#adapters/local/doctor.ts';
import { dataDirOf } from '#cli/connect.ts';
import { exitCodes } from '#cli/exit.ts';
import { type OutputFormat, outputOption } from '#cli/print/output.ts';

interface DoctorOptions {
  readonly data?: string;
  readonly output: OutputFormat;
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('check this machine and the platform on it; exit code 1 where a check fails')
    .option('--data <dir>', 'the folder that holds everything of it (else .millrace)')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (options: DoctorOptions) => doctor(options));
}

const signs = { ok: '✓', warning: '!', failed: '✗' } as const;
const colours = { ok: 'green', warning: 'yellow', failed: 'red' } as const;

async function doctor(options: DoctorOptions): Promise<void> {
  const { examine } = await import('#adapters/local/doctor.ts');
  const { printAs } = await import('#cli/print/output.ts');
  const { oneLine, paintFor } = await import('#cli/terminal.ts');
  const findings = await examine(dataDirOf(options));
  const paint = paintFor(process.stdout);
  const line = ({ check, verdict, found, fix }: Finding): string => {
    const head = `${paint(colours[verdict], signs[verdict])} ${check.padEnd(16)} ${oneLine(found)}\n`;
    return fix === undefined ? head : `${head}  ${paint('cyan', 'fix:')} ${fix}\n`;
  };
  const isOk = findings.every(({ verdict }) => verdict !== 'failed');
  await printAs(options.output, {
    value: { ok: isOk, findings },
    names: () => [],
    table: () => findings.map(line).join(''),
  });
  if (!isOk) process.exitCode = exitCodes.failure;
}
