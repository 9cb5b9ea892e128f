// Faults planted in the worker's core and its stores, each a textual patch that a test must notice.
import { type Mutant, simulated } from './mutant.ts';

const claims = ['test/core/graph'];
const leading = ['test/workers/leader.test.ts'];
const letting = ['test/workers/holdings.test.ts'];
const tables = ['test/workers/warehouse/warehouse-sink.test.ts'];

export const workerMutants: readonly Mutant[] = [
  {
    ...{
      name: 'loops-overtake-each-other',
      file: 'workers/kafka/source.ts',
      by: ['test/workers/kafka/moving-leaders.test.ts'],
    },
    before: 'info.leaders[split.partition] === leader && this.#isFree(split, leader)',
    after: 'info.leaders[split.partition] === leader',
  },
  {
    ...{
      name: 'accepted-by-both-loops',
      file: 'workers/kafka/source.ts',
      by: ['test/workers/kafka/moving-leaders.test.ts'],
    },
    before: 'if (split.fetchOffset !== offset || !this.#isFree(split, leader)) continue;',
    after: '',
  },
  {
    ...{ name: 'live-owner-taken-for-gone', file: 'core/graph/claim-splits.ts', by: [...claims, simulated] },
    before: 'owner === null || owner === me || isGone(owner, standpoint);',
    after: 'owner !== undefined;',
  },
  {
    ...{ name: 'fenced-owner-taken-for-alive', file: 'core/graph/claim-splits.ts', by: claims },
    before: 'if (view.fenced.includes(worker)) return true;',
    after: '',
  },
  {
    ...{ name: 'two-leaders', file: 'core/graph/claim-splits.ts', by: [...claims, simulated] },
    before: "return isOver ? 'take' : 'follow';",
    after: "return isOver ? 'follow' : 'take';",
  },
  {
    ...{ name: 'draining-workers-get-splits', file: 'core/graph/claim-splits.ts', by: claims },
    before: "heartbeat.state === 'draining' ||",
    after: '',
  },
  {
    ...{ name: 'replaced-workers-keep-splits', file: 'core/graph/claim-splits.ts', by: claims },
    before: 'other.incarnation < heartbeat.incarnation',
    after: 'other.incarnation > heartbeat.incarnation',
  },
  {
    ...{ name: 'silence-one-lease-too-early', file: 'core/graph/sightings.ts', by: [...claims, simulated] },
    before: 'nowMs - seen.sinceMs >= leaseMs;',
    after: 'nowMs - seen.sinceMs >= leaseMs / 4;',
  },
  {
    ...{ name: 'counter-seen-anew-each-time', file: 'core/graph/sightings.ts', by: [...claims, simulated] },
    before: 'seen?.counter === counter ? seen : { counter, sinceMs: nowMs }',
    after: '{ counter, sinceMs: seen === undefined ? nowMs : nowMs }',
  },
  {
    ...{ name: 'uneven-shares', file: 'core/graph/assign-splits.ts', by: claims },
    before: 'rank < oneMoreCount ? 1 : 0',
    after: 'rank === 0 ? oneMoreCount : 0',
  },
  {
    ...{ name: 'lease-that-never-ends', file: 'workers/lease.ts', by: [simulated] },
    before: 'return this.#monotonicMs() - Number(renewed) / microsPerMs < this.#leaseMs;',
    after: 'return this.#monotonicMs() - Number(renewed) / microsPerMs < 100 * this.#leaseMs;',
  },
  {
    ...{ name: 'lease-that-comes-back', file: 'workers/lease.ts', by: ['test/workers/paths.test.ts'] },
    before: 'while (renewed !== ended && sent > renewed)',
    after: 'while (sent > renewed)',
  },
  {
    ...{ name: 'silence-until-the-answer', file: 'workers/membership.ts', by: ['test/workers/membership.test.ts'] },
    before: 'nowMs: askedMs',
    after: 'nowMs: clock.monotonicMs()',
  },
  {
    ...{ name: 'seen-before-it-was-read', file: 'workers/membership.ts', by: ['test/workers/membership.test.ts'] },
    before: 'countersOf(view), clock.monotonicMs()',
    after: 'countersOf(view), askedMs',
  },
  {
    ...{
      name: 'start-by-a-clock-that-was-set',
      file: 'workers/heartbeats.ts',
      by: ['test/workers/heartbeats.test.ts'],
    },
    before: 'at - Math.round(nowMs - monotonicMs) }',
    after: 'at + 0 * monotonicMs }',
  },
  {
    ...{ name: 'commit-before-acknowledgement', file: 'workers/split.ts', by: [simulated] },
    before: 'return this.#closed && this.#outstanding === 0;',
    after: 'return this.#closed;',
  },
  {
    ...{ name: 'commit-out-of-order', file: 'workers/unit-queue.ts', by: [simulated] },
    before: '    const unit = this.#units[this.#head];\n    if (!unit?.isDone) return null;\n    this.#head++;',
    after:
      '    const at = this.#units.findIndex((each, index) => index >= this.#head && each.isDone);\n    if (at < 0) return null;\n    const [unit] = this.#units.splice(at, 1) as [U];',
  },
  {
    ...{ name: 'rewind-to-what-was-read', file: 'workers/split.ts', by: ['test/workers/split.test.ts'] },
    before: '    this.fetchOffset = this.done.position;\n',
    after: '',
  },
  {
    ...{ name: 'holds-on-to-what-was-made-anew', file: 'core/graph/claim-splits.ts', by: claims },
    before: '(record.owner !== me || record.epoch !== epoch)',
    after: 'record.owner !== null && record.owner !== me',
  },
  {
    ...{ name: 'fenced-commit-is-no-news', file: 'workers/commits.ts', by: letting },
    before: "if (outcome === 'fenced') this.#onFenced(holding);\n      else holding.committed = done;",
    after: 'holding.committed = done;',
  },
  {
    ...{ name: 'released-before-it-is-drained', file: 'workers/holdings.ts', by: letting },
    before: '    const inOrder = await left;\n    if (!this.#isHeld(holding)) return inOrder;',
    after: '    const inOrder = true;\n    left.catch(() => {});',
  },
  {
    ...{ name: 'reads-the-source-that-it-had-before', file: 'workers/leader.ts', by: leading },
    before: 'const records = all.filter(',
    after: 'const records = all;\n    all.filter(',
  },
  {
    ...{ name: 'shares-out-what-is-not-there', file: 'workers/leader.ts', by: leading },
    before: 'records.filter(({ split }) => there.has(split))',
    after: 'records.filter(({ split }) => there.has(split) || true)',
  },
  {
    ...{ name: 'lost-item-begins-at-the-end', file: 'workers/leader.ts', by: [...leading, simulated] },
    before: 'if (saved !== null) {',
    after: 'if (saved !== null && saved.epoch < 0) {',
  },
  {
    ...{ name: 'later-partitions-begin-at-their-end', file: 'workers/leader.ts', by: [simulated] },
    before: "if (!isNewJob || start.kind === 'earliest') return (await offset(earliest)) ?? 0;",
    after: "if (isNewJob && start.kind === 'earliest') return (await offset(earliest)) ?? 0;",
  },
  {
    ...{ name: 'pruning-too-eager', file: 'core/checkpoint/read-manifest.ts', by: ['test/core/checkpoint', simulated] },
    before: '.slice(keptCount).reverse();',
    after: '.slice(keptCount - 1).reverse();',
  },
  {
    ...{
      name: 'pruning-the-newest',
      file: 'core/checkpoint/read-manifest.ts',
      by: ['test/core/checkpoint', simulated],
    },
    before: 'newestFirst(keys).slice(keptCount).reverse();',
    after: 'newestFirst(keys).reverse().slice(keptCount);',
  },
  {
    ...{
      name: 'checkpoint-read-before-its-number',
      file: 'workers/checkpoints.ts',
      by: ['test/workers/checkpoints.test.ts', simulated],
    },
    before: `if (this.#sequence === null) await this.load();
    this.#takenMs = clock.monotonicMs();
    const records = await store.list(identity.job);`,
    after: `const records = await store.list(identity.job);
    if (this.#sequence === null) await this.load();
    this.#takenMs = clock.monotonicMs();`,
  },
  {
    ...{ name: 'checkpoint-written-over', file: 'workers/checkpoints.ts', by: [simulated] },
    before: 'const outcome = await objects.put(key, Buffer.from(JSON.stringify(manifest)), { ifAbsent: true });',
    after: 'const outcome = await objects.put(key, Buffer.from(JSON.stringify(manifest)), { ifAbsent: false });',
  },
  {
    ...{ name: 'checkpoint-of-another-life', file: 'core/checkpoint/read-manifest.ts', by: ['test/core/checkpoint'] },
    before: 'parsed.data.job !== job || parsed.data.uid !== uid',
    after: 'parsed.data.job !== job && parsed.data.uid !== uid',
  },
  {
    ...{ name: 'books-without-dead-letters', file: 'core/job/accounting.ts', by: [simulated] },
    before: 'deadLettered: a.deadLettered + b.deadLettered,',
    after: 'deadLettered: a.deadLettered,',
  },
  {
    ...{ name: 'sequence-reused', file: 'workers/kafka/lane.ts', by: ['test/workers/kafka'] },
    before: 'this.#nextSequence = (this.#nextSequence + batch.count) & sequenceMask;',
    after: 'this.#nextSequence = (this.#nextSequence + 1) & sequenceMask;',
  },
  {
    ...{ name: 'unproven-batches-fly-together', file: 'workers/kafka/lane.ts', by: ['test/workers/kafka'] },
    before: 'isFresh && this.#isProven &&',
    after: 'isFresh &&',
  },
  {
    ...{ name: 'bytes-of-refused-batches-kept', file: 'workers/kafka/lane.ts', by: ['test/workers/kafka'] },
    before: 'this.#discards ? bytesOf(this.#inFlight) : 0;',
    after: '0;',
  },
  {
    ...{ name: 'abort-before-the-offset-unseen', file: 'workers/kafka/record-reader.ts', by: ['test/workers/kafka'] },
    before:
      '    const isPassedOver = this.#isPassedOver(at);\n    if (this.#batchNext <= this.#fetchOffset) return true;\n',
    after:
      '    if (this.#batchNext <= this.#fetchOffset) return true;\n    const isPassedOver = this.#isPassedOver(at);\n',
  },
  {
    ...{
      name: 'error-forgotten-in-its-pause',
      file: 'workers/errors-seen.ts',
      by: ['test/workers/errors-seen.test.ts'],
    },
    before: 'standsUntilMs: notedMs + pauseMs',
    after: 'standsUntilMs: notedMs',
  },
  {
    ...{ name: 'progress-by-the-slowest', file: 'core/health/progress.ts', by: ['test/core/health'] },
    before: 'const lastMovedMs = Math.max(',
    after: 'const lastMovedMs = Math.min(',
  },
  {
    ...{ name: 'files-of-a-later-owner-for-orphans', file: 'workers/sinks/warehouse/split-table.ts', by: tables },
    before: 'epochOfStaged(key.slice(staging.length)) < this.split.epoch',
    after: 'epochOfStaged(key.slice(staging.length)) >= 0',
  },
  {
    ...{ name: 'lost-file-for-published', file: 'workers/sinks/warehouse/split-table.ts', by: tables },
    before: "outcome === 'missing' && before === 'unproven'",
    after: "outcome === 'missing' && key === ''",
  },
  {
    ...{
      name: 'forgotten-split-sent-again',
      file: 'workers/sinks/remote/sender.ts',
      by: ['test/workers/sinks/http-sink.test.ts'],
    },
    before: 'lane.settle(left.map((batch) => batch.filter((record) => !isGone(record))));',
    after: 'lane.settle(left);',
  },
  {
    ...{ name: 'parts-of-a-record-written', file: 'workers/pipeline.ts', by: ['test/workers/pipeline.test.ts'] },
    before: 'if (foreseen !== null) return foreseen;',
    after: '',
  },
  {
    ...{
      name: 'key-to-another-partition',
      file: 'core/partition-of-key.ts',
      by: ['test/core/partition-of-key.test.ts'],
    },
    before: '& 0x7fffffff) % partitionCount',
    after: '& 0x3fffffff) % partitionCount',
  },
];
