// From many nudges to few executions: at most one a second starts, and none of what came before it is missed.

export interface NudgeParts {
  /** One execution a name, ever. */
  readonly start: (name: string, cause: string) => Promise<'started' | 'exists'>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const attemptsMax = 4;

/**
 * For a batch of nudges. Where an execution of this second was started already, it may have looked before our change; so
 * the next second's is started, when that second has come. Throws where none could be: the batch then comes again.
 */
export function createNudgeHandler(parts: NudgeParts): (cause: string) => Promise<string> {
  return async (cause) => {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const now = parts.now();
      const name = `nudge-${Math.floor(now / 1_000)}`;
      if ((await parts.start(name, cause)) === 'started') return name;
      await parts.sleep(1_000 - (now % 1_000));
    }
    throw new Error(`no execution could be started in ${attemptsMax} seconds; others start as many`);
  };
}
