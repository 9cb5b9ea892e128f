// The faults that the platform is built to meet, numbered; a test that covers one names it: `[fault 17]` in the test's name.

/** What goes wrong; where no test shows what then happens, also why not. */
export type Fault = string | { readonly what: string; readonly untested: string };

export interface FaultSection {
  readonly letter: string;
  readonly title: string;
  /** The number of the section's first fault; the rest follow. */
  readonly first: number;
  readonly faults: readonly Fault[];
}

export const whatOf = (fault: Fault): string => (typeof fault === 'string' ? fault : fault.what);

export const untestedBecause = (fault: Fault): string | null => (typeof fault === 'string' ? null : fault.untested);

export const faultCatalogue: readonly FaultSection[] = [
  {
    ...{ letter: 'A', title: 'API and goal store', first: 1 },
    faults: [
      'a request repeated after its answer was lost',
      'two changes of one name at once',
      'a change made from a stale read',
      'a change is stored, its event lost',
      'PostgreSQL down at a write',
      'PostgreSQL down for an hour',
      'the goal store reads as empty',
      'the goal store restored to an older time',
      'a stale read of the goal store',
      'serialization failures and deadlocks',
      'connections exhausted',
      'old code beside a new schema',
      'a name deleted and declared anew at once',
      'a huge or absurdly deep declaration',
      'repeated and poisonous keys',
      'the API host’s clock is off',
    ],
  },
  {
    ...{ letter: 'B', title: 'Reconciler and control loop', first: 17 },
    faults: [
      'death between starting a task and remembering it',
      'death between stopping the old and starting the new',
      'two reconcilers at once',
      'an old plan carried out after a newer one',
      'changes missed or merged',
      'a goal that flaps',
      'a declaration of a newer version',
      'a declaration that cannot be carried out',
      'a worker without a goal',
      {
        what: 'somebody else’s resource under our name',
        untested:
          'not yet. Tasks bear the platform’s tags and the reconciler’s role reaches its own cells only (test/infra/isolation.test.ts); a topic that somebody made under a declared name is taken as the stream’s',
      },
      'a change by hand',
      {
        what: 'ten thousand jobs from cold',
        untested: '`npm run bench:fleet` shows it and fails where it does not hold; too long for the suite',
      },
      {
        what: 'everybody at once after an outage of the control plane',
        untested:
          '`npm run bench:fleet` shows it (an hour’s outage) and fails where it does not hold; too long for the suite',
      },
      'two writers of one status',
      'an alarm that cannot be made',
      'clean-up races with a restore',
    ],
  },
  {
    ...{ letter: 'C', title: 'Lambda and Step Functions', first: 33 },
    faults: [
      'invoked twice with one event',
      'a timeout after the effect',
      'an execution started again in the middle',
      {
        what: 'one item of ten thousand fails',
        untested: 'there is no such list: one pass handles every job, and one that fails holds up no other (fault 24)',
      },
      'history and payload limits',
      'throttled invocations',
      {
        what: 'a warm container’s stale globals',
        untested: 'not yet: needs a deployed function that outlives a change of its settings',
      },
      'task events twice and out of order',
    ],
  },
  {
    ...{ letter: 'D', title: 'ECS', first: 41 },
    faults: [
      'accepted, but with failures inside',
      'an ambiguous answer to RunTask',
      'a task that is not listed yet',
      'a listing that shows the past',
      'a storm of throttling',
      'a stop that is ignored',
      'a Spot reclaim',
      'SIGKILL after the stop timeout',
      'an image that cannot be pulled',
      'a task definition gone',
      'no capacity or addresses',
      'a rollback by the runtime',
    ],
  },
  {
    ...{ letter: 'E', title: 'Worker process', first: 53 },
    faults: [
      'SIGKILL at any instruction',
      'a zombie that wakes after its lease',
      'a zombie before a sink that cannot fence',
      'a blocked event loop',
      'the heap is full',
      'killed for memory by the kernel',
      'a native crash',
      'an error that nobody handled',
      'a crash loop',
      'no file descriptors left',
      'two tasks of one job',
    ],
  },
  {
    ...{ letter: 'F', title: 'Checkpoints', first: 64 },
    faults: [
      'death in the middle of an upload',
      {
        what: 'manifest written, pointer not',
        untested:
          'there is no pointer: a checkpoint is one object, made only if absent, and the newest number is the newest checkpoint',
      },
      'a lost compare-and-set',
      'stored, but answered with an error',
      'the bucket refuses for minutes',
      'the bucket is slow',
      'a flipped bit, a cut-off object',
      'the newest checkpoint deleted',
      'all checkpoints gone',
      'a checkpoint of a newer writer',
      {
        what: 'a checkpoint of another topology',
        untested:
          'no operator keeps state in a checkpoint: what `dedup` remembers is read again. Comes with keyed state',
      },
      'left-over parts of uploads',
      'names that sort wrongly',
    ],
  },
  {
    ...{ letter: 'G', title: 'Leases and time', first: 77 },
    faults: [
      'a refused renewal',
      'a renewal whose answer is lost',
      'a wall clock that jumps',
      'clocks that differ',
      'a throttled table',
      {
        what: 'items deleted early or late by their time to live',
        untested:
          'no item bears the attribute (`expiresAt`) by which tables would delete it, so nothing hangs on when they do',
      },
      'items lost with their table',
    ],
  },
  {
    ...{ letter: 'H', title: 'Kafka', first: 84 },
    faults: [
      'a broker killed, leaders move',
      'worker and broker cut off from each other',
      'a transaction times out',
      'a delayed end of a transaction hits a later one',
      'a hanging transaction',
      'a storm of rebalances',
      'a log cut short',
      'retention overtook the position',
      'a topic made anew under its name',
      'partitions added',
      'a record too large for the sink',
      'access revoked while running',
      'absurd timestamps',
      'tombstones, null keys, gaps',
      'a decompression bomb',
    ],
  },
  {
    ...{ letter: 'I', title: 'Data', first: 99 },
    faults: [
      'bad UTF-8',
      'bad JSON and numbers out of range',
      'poisonous keys in events',
      'the schema registry is down',
      {
        what: 'late events and idle partitions',
        untested: 'there are no windows and no watermarks yet',
      },
      'a hot key, millions of keys',
      'a record that crashes the worker',
    ],
  },
  {
    ...{ letter: 'J', title: 'Sinks', first: 106 },
    faults: [
      'too many requests',
      'part of a batch fails',
      'a refusal for good',
      'accepted, but the connection is cut',
      'a slow sink',
      'a sink that reorders and doubles',
      'death between data and commit of files',
      {
        what: 'death inside a database transaction',
        untested: 'there is no database sink yet',
      },
    ],
  },
  {
    ...{ letter: 'K', title: 'Host, upgrade, operations', first: 114 },
    faults: [
      'the disk is full',
      'a read-only file system',
      'names do not resolve',
      'cut off from everything',
      'half-open connections',
      'expired credentials',
      {
        what: 'a worker upgrade that changes state',
        untested: 'no worker keeps state in a checkpoint yet',
      },
      'a rollback after newer checkpoints',
      {
        what: 'an upgrade of the control plane during a pass',
        untested:
          'not in the suite, which has no other version: `npm run drills -- upgrade` changes API and reconciler under load and back. What a pass decided is carried out only under the conditions that it read, and for 30 s (fault 20)',
      },
      'a deployment replaces what holds state',
      {
        what: 'everything lost but goal store and bucket',
        untested: 'not yet: a drill from a dump and the bucket alone. What each part loses alone: faults 83 and 92',
      },
      'time zones and daylight saving',
      'logs and metrics cannot be written',
    ],
  },
  {
    ...{ letter: 'L', title: 'From others’ outages', first: 127 },
    faults: [
      {
        what: 'a new version renders an unchanged goal differently',
        untested: 'not yet: needs the plans of a release before this one, and there is none',
      },
      'one step that fails for ever',
      'the stream of events stops silently',
      {
        what: 'a recovery tool needs what is down',
        untested: 'not yet: the command needs the API; below it the runbooks use the cloud’s own tools',
      },
      'clean-up races with apply',
      'endless retries hide a failure',
    ],
  },
];
