// Topics: what is missing is made, what drifted is set back, what must grow grows; only a deleted stream's topic is deleted.
import type { PlatformGoal, TopicGoal } from '#core/graph/platform-goal.ts';
import { type Decision, leftAlone } from '#core/plan/action.ts';
import { isFleetFrozen } from '#core/plan/freeze.ts';
import type { ObservedTopic } from '#core/ports/broker-admin.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';

export function planTopics(goal: PlatformGoal, observed: readonly ObservedTopic[], now: number): readonly Decision[] {
  const byName = new Map(observed.map((topic) => [topic.topic, topic]));
  const isFrozen = (tenant: string): boolean => isFleetFrozen(tenant, goal.freezes);
  // What is missing is made under a freeze too: what runs needs it. What is there is left as it is.
  const decisions = goal.topics
    .filter(({ tenant, topic }) => !byName.has(topic) || !isFrozen(tenant))
    .map((topic) => planTopic(topic, byName.get(topic.topic) ?? null, now));
  const deleted = goal.removedTopics
    .filter(({ topic, tenant, keptUntil }) => byName.has(topic) && goal.at >= keptUntil && !isFrozen(tenant))
    .map((removed): Decision => {
      const event = {
        tenant: removed.tenant,
        subject: removed.subject,
        at: now,
        severity: 'info',
        reason: 'TopicDeleted',
        message: `Topic ${removed.topic} deleted with its stream.`,
      } as const;
      const { topic, tenant, stream } = removed;
      return decide(topic, [{ kind: 'delete-topic', topic, tenant, stream, goalSequence: goal.sequence }], [event]);
    });
  return [...decisions, ...deleted].filter((decision) => decision.actions.length > 0 || decision.events.length > 0);
}

const decide = (target: string, actions: Decision['actions'], events: readonly PlatformEvent[]): Decision => ({
  ...leftAlone(`topic/${target}`),
  ...{ actions, events, settled: actions.length === 0 },
});

function planTopic(goal: TopicGoal, observed: ObservedTopic | null, now: number): Decision {
  const { topic, partitions, config } = goal;
  const event = (reason: string, message: string, severity: PlatformEvent['severity'] = 'info'): PlatformEvent => ({
    tenant: goal.tenant,
    subject: goal.subject,
    at: now,
    severity,
    reason,
    message,
  });
  if (observed === null)
    return decide(
      topic,
      [{ kind: 'create-topic', topic, partitions, config }],
      [event('TopicCreated', `Topic ${topic} was missing: created with ${partitions} partitions.`)],
    );
  const actions: Decision['actions'][number][] = [];
  const events: PlatformEvent[] = [];
  if (observed.partitions < partitions) {
    actions.push({ kind: 'grow-topic', topic, partitions });
    events.push(event('TopicGrown', `Topic ${topic} had ${observed.partitions} partitions: grown to ${partitions}.`));
  }
  const taken = (goal.ofBroker ?? []).filter((name) => observed.own.includes(name));
  const drifted = [
    ...Object.entries(config).filter(([name, value]) => observed.config[name] !== value),
    ...taken.map((name) => [name, null] as const),
  ];
  if (drifted.length > 0) {
    actions.push({ kind: 'configure-topic', topic, config: Object.fromEntries(drifted) });
    const was = drifted
      .map(([name, value]) => `${name} ${observed.config[name] ?? 'unset'} → ${value ?? 'as the broker has it'}`)
      .join(', ');
    events.push(event('TopicConfigured', `Topic ${topic} had drifted: ${was}.`));
  }
  return decide(topic, actions, events);
}
