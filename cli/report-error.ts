// The one place that turns whatever a command threw into words and an exit code.
import { ApiError } from '#cli/api-client.ts';
import { CommandError, type ExitCode, exitCodes } from '#cli/exit.ts';
import { formatProblem } from '#cli/print/problems.ts';
import { type Paint, paintFor, withoutControls } from '#cli/terminal.ts';
import { isPlatformError, messageOf } from '#core/errors.ts';

interface Report {
  readonly exitCode: ExitCode;
  readonly message: string;
  readonly details: readonly string[];
  readonly fix: string | undefined;
}

const conflictStatuses = [409, 412];

function reportOf(error: unknown): Report {
  if (error instanceof CommandError)
    return { exitCode: error.exitCode, message: error.message, details: error.details, fix: error.fix };
  if (error instanceof ApiError) {
    const { status, detail, title, fix, problems = [] } = error.problem;
    return {
      exitCode: conflictStatuses.includes(status) ? exitCodes.conflict : exitCodes.failure,
      message: detail || title,
      details: problems.map((problem) => formatProblem(problem, null)),
      fix,
    };
  }
  if (isPlatformError(error))
    return { exitCode: exitCodes.failure, message: error.message, details: [], fix: faultFix[error.fault] };
  return {
    exitCode: exitCodes.failure,
    message: messageOf(error),
    details: error instanceof Error && error.stack ? error.stack.split('\n').slice(1) : [],
    fix: faultFix.internal,
  };
}

const faultFix = {
  user: undefined,
  external: 'millrace status   shows which part is down; then try again',
  internal: 'this is a fault of Millrace itself: please report it with the command and the lines above',
} as const;

/** Prints what was got, what was expected and what to do; returns the exit code. */
export function reportError(error: unknown, stream: NodeJS.WriteStream): ExitCode {
  const report = reportOf(error);
  stream.write(formatReport(report, paintFor(stream)));
  return report.exitCode;
}

function formatReport(report: Report, paint: Paint): string {
  const lines = [`${paint('red', 'error:')} ${withoutControls(report.message)}`];
  for (const detail of report.details) lines.push(withoutControls(detail).trimEnd());
  if (report.fix)
    lines.push(
      ...`  ${paint('cyan', 'fix:')} ${withoutControls(report.fix)}`.replaceAll('\n', '\n       ').split('\n'),
    );
  return `${lines.join('\n')}\n`;
}
