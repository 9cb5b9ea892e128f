// The explicit list: a kind of sink → what fills it.
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { openRegistryOf } from '../formats/open-registry.ts';
import { httpSink } from './http-sink.ts';
import { KafkaSink } from './kafka-sink.ts';
import { openSearchSink } from './opensearch-sink.ts';
import type { RemoteParts } from './remote/remote-sink.ts';
import { systemResolve } from './remote/system-resolve.ts';
import type { Sink } from './sink.ts';
import type { SinkParts } from './sink-parts.ts';
import { WarehouseSink } from './warehouse/warehouse-sink.ts';

type SinkMakers = { readonly [Kind in SinkGoal['kind']]: (goal: SinkGoal & { kind: Kind }, parts: SinkParts) => Sink };

const makers: SinkMakers = {
  stream: (goal, { worker, outlet }) =>
    new KafkaSink(goal, worker.goal.delivery.ordering, worker.cluster, outlet, openRegistryOf(worker, goal.format)),
  opensearch: (goal, parts) => openSearchSink(goal, remoteParts(parts)),
  http: (goal, parts) => httpSink(goal, remoteParts(parts)),
  warehouse: (goal, parts) => new WarehouseSink(goal, parts),
};

export const createSink = (goal: SinkGoal, parts: SinkParts): Sink => (makers[goal.kind] as AnyMaker)(goal, parts);

/** That the goal is of the maker's kind is what the list says. */
type AnyMaker = (goal: SinkGoal, parts: SinkParts) => Sink;

const remoteParts = ({ worker, hooks }: SinkParts): RemoteParts => ({
  ...{ jobName: worker.goal.name, uid: worker.goal.uid, tenant: worker.goal.tenant },
  ...{ secrets: worker.secrets, signer: worker.signer },
  ordering: worker.goal.delivery.ordering,
  ...{ resolve: systemResolve, now: () => worker.clock.now(), hooks },
});
