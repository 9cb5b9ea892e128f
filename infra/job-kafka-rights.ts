// What a job's worker may do at the broker, once: the job role's policy is made of it, and a test gives a real broker the same.
import { type sessionTags, transactionalId, transactionGroup } from '#core/names.ts';

export interface KafkaRight {
  readonly kind: 'cluster' | 'topic' | 'group' | 'transactional-id';
  /** Of the cluster: ''. */
  readonly name: string;
  /** As MSK's IAM access control names them, without `kafka-cluster:`. */
  readonly actions: readonly string[];
}

/** `tag` gives what the session's tag of that name holds, or stands for it. */
export const jobKafkaRights = (tag: (name: keyof typeof sessionTags) => string): readonly KafkaRight[] => [
  { kind: 'cluster', name: '', actions: ['Connect', 'WriteDataIdempotently'] },
  { kind: 'topic', name: tag('source'), actions: ['DescribeTopic', 'ReadData'] },
  ...(['sink', 'deadLetter'] as const).map((name) => ({
    ...{ kind: 'topic' as const, name: tag(name) },
    actions: ['DescribeTopic', 'DescribeTopicDynamicConfiguration', 'WriteData'],
  })),
  // The first for people's lag tools; the second's offsets are an exactly-once job's positions.
  { kind: 'group', name: tag('group'), actions: ['DescribeGroup', 'AlterGroup'] },
  { kind: 'group', name: transactionGroup(tag('job')), actions: ['DescribeGroup', 'AlterGroup'] },
  {
    ...{ kind: 'transactional-id', name: transactionalId(tag('job'), '*') },
    actions: ['DescribeTransactionalId', 'AlterTransactionalId'],
  },
];
