// The exit codes of the `millrace` command, and the one error class that carries them.

export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  difference: 3,
  timeout: 4,
  conflict: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command's refusal or failure in words: what was got and expected, and what to do. Printed as it is, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  /** What to do, one step a line. */
  readonly fix: string | undefined;
  /** Printed between the message and the fix, line by line as given. */
  readonly details: readonly string[];
  constructor(
    exitCode: ExitCode,
    message: string,
    more: { fix?: string; details?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.exitCode = exitCode;
    this.fix = more.fix;
    this.details = more.details ?? [];
  }
}
