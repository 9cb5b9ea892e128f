// The split store on DynamoDB: one item a split, every write conditional on its owner and epoch.
import type { Accounting } from '#core/job/accounting.ts';
import { tables } from '#core/names.ts';
import type {
  ClaimOutcome,
  CommitOutcome,
  Placement,
  PlaceOutcome,
  SplitRecord,
  SplitStore,
} from '#core/ports/split-store.ts';
import { json, number, readDecimal, readJson, readNumber, readText, readTextOrNull, text } from './attributes.ts';
import type { Dynamo, Item, Key } from './client.ts';

export function createSplitStore(dynamo: Dynamo): SplitStore {
  return {
    list: async (job) => (await dynamo.query(tables.splits, job)).map(readSplit),
    create: (job, record) => create(dynamo, job, record),
    claim: (job, seen, worker) => claim(dynamo, job, seen, worker),
    commit: (job, held, done) => commit(dynamo, job, held, done),
    release: (job, held) => release(dynamo, job, held),
    place: (job, seen, placement) => place(dynamo, job, seen, placement),
    clear: (job) => dynamo.clear(tables.splits, job),
  };
}

type Held = Parameters<SplitStore['release']>[1];
type Done = Parameters<SplitStore['commit']>[2];

async function create(dynamo: Dynamo, job: string, record: SplitRecord): Promise<SplitRecord> {
  const owned = record.owner === null ? '' : ', #owner = :owner';
  const outcome = await dynamo.update(
    keyOf(job, record.split),
    {
      update: `SET #epoch = :epoch, #position = :position, #topicId = :topicId, #accounting = :accounting${owned}`,
      condition: 'attribute_not_exists(#pk)',
    },
    {
      ':epoch': number(record.epoch),
      ...doneValues(record),
      ...(record.owner === null ? {} : { ':owner': text(record.owner) }),
    },
  );
  return outcome.kind === 'done' ? readSplit(outcome.item) : readSplit(outcome.old ?? {});
}

async function claim(dynamo: Dynamo, job: string, seen: SplitRecord, worker: string): Promise<ClaimOutcome> {
  const ownedAsSeen = seen.owner === null ? 'attribute_not_exists(#owner)' : '#owner = :seenOwner';
  const outcome = await dynamo.update(
    keyOf(job, seen.split),
    { update: 'SET #owner = :worker, #epoch = :next', condition: `#epoch = :seenEpoch AND ${ownedAsSeen}` },
    {
      ':worker': text(worker),
      ':next': number(seen.epoch + 1),
      ':seenEpoch': number(seen.epoch),
      ...(seen.owner === null ? {} : { ':seenOwner': text(seen.owner) }),
    },
  );
  if (outcome.kind === 'done') return { kind: 'claimed', record: readSplit(outcome.item) };
  const record = outcome.old === null ? null : readSplit(outcome.old);
  // An attempt whose answer was lost did win: nobody else writes our name with the epoch after the one we saw.
  const ours = record?.owner === worker && record.epoch === seen.epoch + 1;
  return ours ? { kind: 'claimed', record } : { kind: 'lost', record };
}

/** An attempt that was thought lost may arrive after a later one: within an epoch and a topic the position never goes back. */
async function commit(dynamo: Dynamo, job: string, held: Held, done: Done): Promise<CommitOutcome> {
  const outcome = await dynamo.update(
    keyOf(job, held.split),
    {
      update: 'SET #position = :position, #topicId = :topicId, #accounting = :accounting',
      condition: '#owner = :worker AND #epoch = :epoch AND (#topicId <> :topicId OR #position <= :position)',
    },
    { ':worker': text(held.worker), ':epoch': number(held.epoch), ...doneValues(done) },
  );
  if (outcome.kind === 'done') return 'committed';
  return outcome.old !== null && isHeld(readSplit(outcome.old), held) ? 'committed' : 'fenced';
}

async function release(dynamo: Dynamo, job: string, held: Held): Promise<CommitOutcome> {
  const outcome = await dynamo.update(
    keyOf(job, held.split),
    { update: 'REMOVE #owner', condition: '#owner = :worker AND #epoch = :epoch' },
    { ':worker': text(held.worker), ':epoch': number(held.epoch) },
  );
  if (outcome.kind === 'done') return 'committed';
  // Free with our epoch: an attempt of ours whose answer was lost freed it, and nobody has claimed it since.
  const left = outcome.old === null ? null : readSplit(outcome.old);
  return left !== null && left.owner === null && left.epoch === held.epoch ? 'committed' : 'fenced';
}

async function place(dynamo: Dynamo, job: string, seen: SplitRecord, placement: Placement): Promise<PlaceOutcome> {
  const outcome = await dynamo.update(
    keyOf(job, seen.split),
    {
      update: 'SET #epoch = :next, #position = :position, #placed = :placed, #placedBy = :operation REMOVE #owner',
      condition: `#epoch = :seen AND #topicId = :topicId AND (attribute_not_exists(#placedBy) OR #placedBy <> :operation)`,
    },
    {
      ':seen': number(seen.epoch),
      ':next': number(seen.epoch + 1),
      ':topicId': text(seen.topicId),
      ':position': number(placement.to),
      ':placed': json(placement),
      ':operation': text(placement.operation),
    },
  );
  if (outcome.kind === 'done') return 'placed';
  const there = outcome.old === null ? null : readSplit(outcome.old);
  return there?.placed?.operation === placement.operation ? 'placed' : 'moved';
}

const keyOf = (job: string, split: string): Key => ({ table: tables.splits, pk: job, sk: split });

const isHeld = (record: SplitRecord, held: Held): boolean =>
  record.owner === held.worker && record.epoch === held.epoch;

const doneValues = (done: Done): Item => ({
  ':position': number(done.position),
  ':topicId': text(done.topicId),
  ':accounting': json(done.accounting),
});

const readSplit = (item: Item): SplitRecord => ({
  split: readText(item, 'sk'),
  owner: readTextOrNull(item, 'owner'),
  epoch: readNumber(item, 'epoch'),
  position: readDecimal(item, 'position'),
  topicId: readText(item, 'topicId'),
  accounting: readJson<Accounting>(item, 'accounting'),
  ...(item['placed'] === undefined ? {} : { placed: readJson<Placement>(item, 'placed') }),
});
