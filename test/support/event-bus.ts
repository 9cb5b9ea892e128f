// A rule on an EventBridge over HTTP, and events as ECS sends them: what no SDK client of ours is needed for.
import { taskStateChange } from '#infra/task-events.ts';

export interface EventBus {
  /** `target` is the ARN of a queue. */
  readonly addRule: (name: string, pattern: object, target: string) => Promise<void>;
  readonly send: (source: string, detailType: string, detail: object) => Promise<void>;
}

/** Signed in form only: which region is meant stands in the signature's scope. */
const authorization =
  'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/events/aws4_request, SignedHeaders=host, Signature=0';

export function eventBus(url: string): EventBus {
  const call = async (action: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
    const headers = {
      authorization,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSEvents.${action}`,
    };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action} answered ${answer.status}: ${text}`);
    return JSON.parse(text || '{}') as Record<string, unknown>;
  };
  return {
    addRule: async (Name, pattern, Arn) => {
      await call('PutRule', { Name, EventPattern: JSON.stringify(pattern) });
      await call('PutTargets', { Rule: Name, Targets: [{ Id: 'queue', Arn }] });
    },
    send: async (Source, DetailType, detail) => {
      const entry = { Source, DetailType, Detail: JSON.stringify(detail) };
      const { FailedEntryCount } = await call('PutEvents', { Entries: [entry] });
      if (FailedEntryCount) throw new Error(`the bus refused ${DetailType}`);
    },
  };
}

/** After "Amazon ECS task state change events" of the ECS Developer Guide: what a rule could look at, with its names. */
export const taskEvent = (clusterArn: string, lastStatus: string) => ({
  ...{ source: taskStateChange.source, detailType: taskStateChange.detailType },
  detail: {
    ...{ availabilityZone: 'us-east-1b', launchType: 'FARGATE', platformVersion: '1.4.0', cpu: '256', memory: '512' },
    ...{
      clusterArn,
      lastStatus,
      desiredStatus: 'STOPPED',
      version: 6,
      startedBy: 'millrace',
      group: 'family:millrace-worker',
    },
    taskArn: `${clusterArn.replace(':cluster/', ':task/')}/c13b4cb40f1f4fe4a2971f76ae5a47ad`,
    taskDefinitionArn: 'arn:aws:ecs:us-east-1:123456789012:task-definition/millrace-worker-256x512:1',
    containers: [{ name: 'worker', lastStatus, exitCode: 137, reason: 'OutOfMemoryError: container killed' }],
    ...{ stopCode: 'EssentialContainerExited', stoppedReason: 'Essential container in task exited' },
    ...{ createdAt: '2026-01-05T12:00:00.000Z', stoppedAt: '2026-01-05T12:05:00.000Z', attachments: [] },
  },
});
