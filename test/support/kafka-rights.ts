// A job's rights as access control lists of a Kafka with StandardAuthorizer: each action of MSK as the operation that it stands for.
import kafkajs, { type AclOperationTypes as AclOperation, type Admin } from 'kafkajs';
import type { JobGoal } from '#core/job/job-goal.ts';
import { sessionTagsOf } from '#core/job/task-identity.ts';
import { sessionTags } from '#core/names.ts';
import { jobKafkaRights } from '#infra/job-kafka-rights.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** Null: has no like; whoever may log in may connect. After the table of actions in MSK's documentation. */
const operationOf: Readonly<Record<string, AclOperation | null>> = {
  Connect: null,
  WriteDataIdempotently: AclOperationTypes.IDEMPOTENT_WRITE,
  DescribeTopic: AclOperationTypes.DESCRIBE,
  DescribeTopicDynamicConfiguration: AclOperationTypes.DESCRIBE_CONFIGS,
  ReadData: AclOperationTypes.READ,
  WriteData: AclOperationTypes.WRITE,
  DescribeGroup: AclOperationTypes.DESCRIBE,
  AlterGroup: AclOperationTypes.READ,
  DescribeTransactionalId: AclOperationTypes.DESCRIBE,
  AlterTransactionalId: AclOperationTypes.WRITE,
};

const resourceTypes = {
  cluster: AclResourceTypes.CLUSTER,
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
} as const;

/** Exactly what the job role grants in a session with this job's tags; the principal is the job. */
export async function grantRights(admin: Admin, goal: JobGoal): Promise<void> {
  const tags = sessionTagsOf(goal);
  const absent = 'a-tag-that-the-session-has-not';
  const rights = jobKafkaRights((name) => tags[sessionTags[name]] ?? absent).filter(({ name }) => name !== absent);
  await admin.createAcls({
    acl: rights.flatMap(({ kind, name, actions }) =>
      actions.flatMap((action) => {
        const operation = operationOf[action];
        if (operation === undefined) throw new Error(`${action} is not known here: what does it stand for?`);
        if (operation === null) return [];
        const isPrefix = name.endsWith('*');
        return [
          {
            resourceType: resourceTypes[kind],
            resourceName: kind === 'cluster' ? 'kafka-cluster' : name.replace(/\*$/, ''),
            resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
            ...{ principal: `User:${goal.id}`, host: '*', operation, permissionType: AclPermissionTypes.ALLOW },
          },
        ];
      }),
    ),
  });
}
