// What sinks over HTTP are made of: an endpoint, a sender, and records held until the other side has them.
import { openedNetworks } from '#core/graph/check-sinks.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { limits } from '#core/limits.ts';
import { readCredential } from '#core/network/credential.ts';
import type { Resolve } from '#core/network/pinned-lookup.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';
import type { Ordering } from '#core/spec/route-spec.ts';
import type { Slice } from '../../kafka/output-batch.ts';
import type { Unit } from '../../split.ts';
import type { RecordView, SinkHooks } from '../sink.ts';
import { Endpoint } from './endpoint.ts';
import type { HeldRecord } from './lane.ts';
import { type Protocol, Sender } from './sender.ts';

export interface RemoteParts {
  readonly jobName: string;
  readonly uid: string;
  readonly tenant: string;
  readonly ordering: Ordering;
  readonly secrets: SecretStore;
  readonly resolve: Resolve;
  readonly now: () => number;
  readonly hooks: SinkHooks;
}

export interface RemoteBounds {
  readonly requestsMax: number;
  readonly answerBytesMax: number;
  readonly exchangeMs: number;
}

export interface Remote {
  readonly endpoint: Endpoint;
  readonly sender: Sender;
}

type RemoteGoal = Exclude<SinkGoal, { kind: 'stream' | 'warehouse' }>;

export function createRemote(goal: RemoteGoal, parts: RemoteParts, protocol: Protocol, bounds: RemoteBounds): Remote {
  const { exchangeMs, answerBytesMax, requestsMax } = bounds;
  const { resolve, now, hooks, secrets, tenant } = parts;
  const endpoint = new Endpoint({
    ...{ url: goal.url, networks: openedNetworks(goal.networks) },
    ...{ connectionsMax: requestsMax, exchangeMs, answerBytesMax, resolve, now },
  });
  const { auth } = goal;
  const sender = new Sender({
    ...{ endpoint, protocol, bounds: goal.batch, requestsMax, hooks },
    pendingBytesMax: limits.sinkPendingBytesMax,
    readCredential: async () => (auth === null ? null : await readCredential(secrets, tenant, auth)),
  });
  return { endpoint, sender };
}

/** Objects and their bookkeeping, beside the bytes themselves. */
const recordOverheadBytes = 512;

export function heldRecord(original: RecordView, unit: Unit, payload: Buffer, id: string): HeldRecord {
  const { key, value, headers } = original;
  const bytes = payload.length + bytesOf(key) + bytesOf(value) + bytesOf(headers) + recordOverheadBytes;
  return { unit, original, topicId: unit.topicId, payload, id, bytes };
}

const bytesOf = ({ start, end }: Slice): number => Math.max(0, end - start);
