// A route's whole chain over events given as text: declared as people declare it, run as workers run it.
import { planRoute } from '#core/expression/index.ts';
import { buildWorld, type RouteNode } from '#core/graph/world.ts';
import { Chain, type ChainMemory } from '#core/operators/run/chain.ts';
import { outputTexts } from '#core/operators/run/output-texts.ts';
import { trialSalts } from '#core/operators/trial-salts.ts';
import { aRoute, aStream } from '#test/support/documents.ts';

export function plannedRoute(route: object, stream: object = {}): RouteNode {
  const world = buildWorld([aStream('events', stream), aRoute('r', 'events', 'sink', route)], planRoute);
  return world.routes.get('r')!;
}

export function chainOf(route: object, stream: object = {}): Chain {
  const node = plannedRoute(route, stream);
  if (node.problems.length > 0) throw new Error(JSON.stringify(node.problems));
  return new Chain(node.operators, node.programs.get('out')!, trialSalts(node.operators));
}

const encoder = new TextEncoder();

export interface RunOptions {
  readonly memory?: ChainMemory;
  readonly offset?: number;
  readonly timestamp?: number;
}

/** What comes of one event; its fault as text where it has one. */
export function runEvent(chain: Chain, event: string, options: RunOptions = {}): readonly string[] | string {
  const { memory = chain.createMemory(), offset = 0, timestamp = 0 } = options;
  const bytes = encoder.encode(event);
  // The event lies in the middle of other bytes, as in a record batch.
  const batch = new Uint8Array(bytes.length + 14).fill(0x7b);
  batch.set(bytes, 7);
  chain.process(batch, 7, 7 + bytes.length, { partition: 0, offset, timestamp, memory });
  return chain.fault === null ? outputTexts(chain.outputs) : chain.fault.code;
}

/** A whole partition, a millisecond between two events. */
export function runEvents(chain: Chain, events: readonly string[]): readonly (readonly string[] | string)[] {
  const memory = chain.createMemory();
  return events.map((event, offset) => runEvent(chain, event, { memory, offset, timestamp: offset }));
}
