// What of ECS's events wakes the reconciler, and how often a nudge is tried: the stack and the tests on a counterpart take it from here.

export const taskStateChange = { source: 'aws.ecs', detailType: 'ECS Task State Change' } as const;

/** Tasks of the cells that have ended. Each state on the way is an event of its own, and none of them asks for anything. */
export const stoppedTasks = (clusterArns: readonly string[]) => ({
  source: [taskStateChange.source],
  detailType: [taskStateChange.detailType],
  detail: { clusterArn: [...clusterArns], lastStatus: ['STOPPED'] },
});

/** Then it lies in the queue of dead nudges, which an alarm watches. */
export const nudgeReceivesMax = 5;
