// The `millrace` command line: an explicit list of commands, and the one place that turns an outcome into an exit code.
import { Command, CommanderError } from 'commander';
import { registerApply } from './commands/apply.ts';
import { registerApprove } from './commands/approve.ts';
import { registerAudit } from './commands/audit.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConfig } from './commands/config.ts';
import { registerCost } from './commands/cost.ts';
import { registerDeadLetters } from './commands/dead-letters.ts';
import { registerDelete } from './commands/delete.ts';
import { registerDescribe } from './commands/describe.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDown } from './commands/down.ts';
import { registerEndings } from './commands/endings.ts';
import { registerEvents } from './commands/events.ts';
import { registerFreezes } from './commands/freeze.ts';
import { registerGet } from './commands/get.ts';
import { registerDiff, registerHistory } from './commands/history.ts';
import { registerLogs } from './commands/logs.ts';
import { registerOperations } from './commands/operations.ts';
import { registerPlan } from './commands/plan.ts';
import { registerProduce } from './commands/produce.ts';
import { registerQuickstart } from './commands/quickstart.ts';
import { registerRestore } from './commands/restore.ts';
import { registerRewind } from './commands/rewind.ts';
import { registerRollback } from './commands/rollback.ts';
import { registerSecret } from './commands/secret.ts';
import { registerSql } from './commands/sql.ts';
import { registerStatus } from './commands/status.ts';
import { registerSwitch } from './commands/switch.ts';
import { registerTail } from './commands/tail.ts';
import { registerTry } from './commands/try.ts';
import { registerUndelete } from './commands/undelete.ts';
import { registerUp } from './commands/up.ts';
import { registerValidate } from './commands/validate.ts';
import { programVersion, registerVersion } from './commands/version.ts';
import { registerWhy } from './commands/why.ts';
import { exitCodes } from './exit.ts';

/** Each command states itself in a file of its own; help lists them in this order. */
const commands: readonly ((program: Command) => void)[] = [
  registerUp,
  registerDown,
  registerStatus,
  registerDoctor,
  registerApply,
  registerPlan,
  registerValidate,
  registerGet,
  registerDescribe,
  registerWhy,
  registerEvents,
  registerLogs,
  registerProduce,
  registerTail,
  registerTry,
  registerSql,
  registerOperations,
  registerRewind,
  registerSwitch,
  registerDeadLetters,
  registerHistory,
  registerDiff,
  registerRollback,
  registerRestore,
  registerConfig,
  registerSecret,
  registerDelete,
  registerAudit,
  registerUndelete,
  registerEndings,
  registerFreezes,
  registerApprove,
  registerCost,
  registerCompletion,
  registerVersion,
  registerQuickstart,
];

export function buildProgram(): Command {
  const program = new Command('millrace')
    .description('Declare streams and routes; the platform makes them true and keeps them true.')
    .version(programVersion(), '-V, --version', 'print the version')
    .showHelpAfterError('(--help says what it takes)')
    .exitOverride();
  for (const register of commands) register(program);
  for (const command of program.commands) if (command.description() === '') command.description(command.summary());
  return program;
}

/** These go on to their end, whoever reads what they say of it: half of a change is worse than a line that nobody reads. */
const changes: ReadonlySet<string> = new Set([
  ...['apply', 'delete', 'undelete', 'rollback', 'restore', 'rewind', 'switch', 'pause', 'resume', 'restart'],
  ...['freeze', 'unfreeze', 'approve', 'produce', 'down', 'config set', 'config unset'],
  ...['secret set', 'secret rm', 'dlq replay'],
]);

const isChange = ([, , name = '', next = '']: readonly string[]): boolean =>
  changes.has(name) || changes.has(`${name} ${next}`);

export async function runProgram(argv: readonly string[]): Promise<void> {
  // A command that cleans up after Ctrl-C listens by itself; for all others this ends the process at once.
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') === 1) process.exit(exitCodes.interrupted);
  });
  // Whoever read our output has seen enough (`| head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exit(exitCodes.failure);
    if (!isChange(argv)) process.exit(exitCodes.ok);
  });
  // Progress that nobody reads is no reason to stop.
  process.stderr.on('error', () => {});
  try {
    await buildProgram().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
      return;
    }
    const { reportError } = await import('./report-error.ts');
    process.exitCode = reportError(error, process.stderr);
  }
}
