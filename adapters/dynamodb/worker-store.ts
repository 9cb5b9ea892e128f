// The worker store on DynamoDB: one item a worker, and one a job with the leader's lease and its assignment.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { StoredLive } from '#core/job/live-settings.ts';
import { tables } from '#core/names.ts';
import type { Assignment, JobView, LeaderRecord, WorkerStore } from '#core/ports/worker-store.ts';
import { json, number, readJson, readNumber, readTextOrNull, text } from './attributes.ts';
import type { Dynamo, Item, Key } from './client.ts';

/** One instance a process: it knows which workers it has heard of, so that one that was removed does not come back. */
export function createWorkerStore(dynamo: Dynamo): WorkerStore {
  const begun = new Set<string>();
  return {
    beat: (heartbeat) => beat(dynamo, heartbeat, begun),
    view: async (job) => readView(await dynamo.query(tables.workers, job)),
    listHeartbeats: async () =>
      (
        await dynamo.scan(
          tables.workers,
          ['heartbeat'],
          'attribute_exists(#heartbeat) AND attribute_not_exists(#fenced)',
        )
      ).map(readHeartbeat),
    fence: (job, worker) => fence(dynamo, job, worker),
    remove: (job, worker) => remove(dynamo, job, worker),
    lead: (job, worker, seen) => lead(dynamo, job, worker, seen),
    resignLead: async (job, held) => {
      await dynamo.update(leaderKey(job), { update: 'REMOVE #worker', condition: heldLead }, heldLeadValues(held));
    },
    assign: (job, held, owners) => assign(dynamo, job, held, owners),
    setLive: async (job, live) => {
      const notOlder = 'attribute_not_exists(#revision) OR #revision <= :revision';
      const update = { update: 'SET #live = :live, #revision = :revision', condition: notOlder };
      await dynamo.update(liveKey(job), update, { ':live': json(live), ':revision': number(live.revision) });
    },
    clear: (job) => dynamo.clear(tables.workers, job),
  };
}

const workerPrefix = 'worker#';
const workerKey = (job: string, worker: string): Key => ({ table: tables.workers, pk: job, sk: workerPrefix + worker });
/** Beside the heartbeats, so that a worker's view of its job has it by the read that it does anyway. */
const liveKey = (job: string): Key => ({ table: tables.workers, pk: job, sk: 'live' });
/** Lease and assignment are one item: one condition covers both, so no deposed leader's assignment gets in between. */
const leaderKey = (job: string): Key => ({ table: tables.workers, pk: job, sk: 'leader' });

async function beat(dynamo: Dynamo, heartbeat: Heartbeat, begun: Set<string>): Promise<'alive' | 'fenced'> {
  const known = `${heartbeat.job} ${heartbeat.worker}`;
  const notFenced = 'attribute_not_exists(#fenced)';
  const outcome = await dynamo.update(
    workerKey(heartbeat.job, heartbeat.worker),
    {
      update: 'SET #heartbeat = :heartbeat',
      condition: begun.has(known) ? `attribute_exists(#heartbeat) AND ${notFenced}` : notFenced,
    },
    { ':heartbeat': json(heartbeat) },
  );
  if (outcome.kind === 'refused') return 'fenced';
  begun.add(known);
  return 'alive';
}

/** The leader's item knows the dead too: a fenced worker neither keeps the lease nor gets it again. */
async function fence(dynamo: Dynamo, job: string, worker: string): Promise<void> {
  await dynamo.update(workerKey(job, worker), { update: 'SET #fenced = :yes' }, { ':yes': { BOOL: true } });
  await dynamo.update(leaderKey(job), { update: 'ADD #dead :dead' }, { ':dead': { SS: [worker] } });
  const leads = { update: 'REMOVE #worker', condition: '#worker = :worker' };
  await dynamo.update(leaderKey(job), leads, { ':worker': text(worker) });
}

async function remove(dynamo: Dynamo, job: string, worker: string): Promise<void> {
  await dynamo.delete(workerKey(job, worker));
  const isDead = { update: 'DELETE #dead :dead', condition: 'contains(#dead, :worker)' };
  await dynamo.update(leaderKey(job), isDead, { ':dead': { SS: [worker] }, ':worker': text(worker) });
}

async function lead(
  dynamo: Dynamo,
  job: string,
  worker: string,
  seen: LeaderRecord | null,
): Promise<LeaderRecord | null> {
  const outcome = seen?.worker === worker ? await renew(dynamo, job, seen) : await takeOver(dynamo, job, worker, seen);
  if (outcome.kind === 'done') return readLeader(outcome.item);
  const record = outcome.old === null ? null : readLeader(outcome.old);
  // An attempt whose answer was lost did win: only we write our name.
  return record?.worker === worker && seen?.worker !== worker ? record : null;
}

/** Renewing twice by accident only adds two to the counter. */
const renew = (dynamo: Dynamo, job: string, seen: LeaderRecord) =>
  dynamo.update(
    leaderKey(job),
    { update: 'ADD #counter :one', condition: heldLead },
    { ...heldLeadValues(seen), ':one': number(1) },
  );

/** The epoch outlives resignations, so it never goes back. */
function takeOver(dynamo: Dynamo, job: string, worker: string, seen: LeaderRecord | null) {
  const asSeen =
    seen === null
      ? 'attribute_not_exists(#worker)'
      : '#epoch = :epoch AND (attribute_not_exists(#worker) OR (#worker = :seen AND #counter = :counter))';
  return dynamo.update(
    leaderKey(job),
    {
      update: 'SET #worker = :worker, #counter = :one, #epoch = if_not_exists(#epoch, :none) + :one',
      condition: `${asSeen} AND NOT contains(#dead, :worker)`,
    },
    {
      ':worker': text(worker),
      ':one': number(1),
      ':none': number(0),
      ...(seen === null
        ? {}
        : { ':epoch': number(seen.epoch), ':seen': text(seen.worker), ':counter': number(seen.counter) }),
    },
  );
}

async function assign(
  dynamo: Dynamo,
  job: string,
  held: LeaderRecord,
  owners: Readonly<Record<string, string>>,
): Promise<'assigned' | 'deposed'> {
  const outcome = await dynamo.update(
    leaderKey(job),
    {
      update: 'SET #assigned = :assigned, #assignedBy = :epoch, #version = if_not_exists(#version, :none) + :one',
      condition: heldLead,
    },
    { ...heldLeadValues(held), ':assigned': json(splitsByWorker(owners)), ':none': number(0), ':one': number(1) },
  );
  return outcome.kind === 'done' ? 'assigned' : 'deposed';
}

const heldLead = '#worker = :held AND #epoch = :epoch';
const heldLeadValues = (held: LeaderRecord): Item => ({ ':held': text(held.worker), ':epoch': number(held.epoch) });

function readView(items: readonly Item[]): JobView {
  const workers = items.filter((item) => item['sk']?.S?.startsWith(workerPrefix));
  const leader = items.find((item) => item['sk']?.S === 'leader');
  const live = items.find((item) => item['sk']?.S === 'live');
  return {
    heartbeats: workers.filter((item) => item['heartbeat'] !== undefined).map(readHeartbeat),
    fenced: workers
      .filter((item) => item['fenced'] !== undefined)
      .map((item) => item['sk']!.S!.slice(workerPrefix.length)),
    leader: leader === undefined ? null : readLeader(leader),
    live: live === undefined ? null : readJson<StoredLive>(live, 'live'),
    assignment: leader?.['version'] === undefined ? null : readAssignment(leader),
  };
}

const readHeartbeat = (item: Item): Heartbeat => readJson<Heartbeat>(item, 'heartbeat');

/** Null where nobody leads. */
function readLeader(item: Item): LeaderRecord | null {
  const worker = readTextOrNull(item, 'worker');
  return worker === null ? null : { worker, epoch: readNumber(item, 'epoch'), counter: readNumber(item, 'counter') };
}

/** Stored by worker: a worker's name is longer than a split's, and each renewal of the lease pays for the item's size. */
function splitsByWorker(owners: Readonly<Record<string, string>>): Record<string, string[]> {
  const grouped: Record<string, string[]> = {};
  for (const [split, worker] of Object.entries(owners)) {
    grouped[worker] ??= [];
    grouped[worker].push(split);
  }
  return grouped;
}

function readAssignment(item: Item): Assignment {
  const grouped = readJson<Record<string, string[]>>(item, 'assigned');
  const owners = Object.entries(grouped).flatMap(([worker, splits]) => splits.map((split) => [split, worker] as const));
  return {
    version: readNumber(item, 'version'),
    leaderEpoch: readNumber(item, 'assignedBy'),
    owners: Object.fromEntries(owners),
  };
}
