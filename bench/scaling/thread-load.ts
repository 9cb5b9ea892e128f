// What each of a worker's data threads does in `bench:threads`: the routing benchmark's events and route, as often as asked.
import { createEvents, route, schema } from '#bench/routing/events.ts';
import { LoopbackBroker, type RecordSet } from './loopback-broker.ts';
import { type Load, recordSetOf, source } from './run-path.ts';

const eventCount = 512;
const seed = 20_260_101;

export const threadLoad: Pick<Load, 'expressions' | 'row' | 'partitions' | 'compression'> = {
  ...{ expressions: route, row: schema, partitions: 8, compression: 'none' },
};

export function recordSet(): RecordSet {
  const next = createEvents(seed);
  const events = Array.from({ length: eventCount }, (_, id) => next(id).text);
  return recordSetOf(events, threadLoad.compression);
}

/** A broker for each thread: nothing is shared but the machine. */
export const brokerOf = (set: RecordSet, sets: number): LoopbackBroker =>
  new LoopbackBroker(set, { source, partitions: threadLoad.partitions, sets });
