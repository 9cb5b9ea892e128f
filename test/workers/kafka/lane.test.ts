// A lane keeps a partition's order whatever the broker and the network do.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { Lane } from '#workers/kafka/lane.ts';
import { noHeaders, OutputBatch } from '#workers/kafka/output-batch.ts';

const identity = { producerId: 1n, producerEpoch: 0, isTransactional: false };
const noKey = { bytes: Buffer.alloc(0), start: 0, end: -1 };
const origin = { attach: (): void => {}, acknowledge: (): void => {} };

function aBatch(id: number, count: number): OutputBatch {
  const batch = new OutputBatch();
  const value = Buffer.from(String(id));
  for (let index = 0; index < count; index++)
    batch.append(
      0,
      { bytes: value, start: 0, end: -1 },
      { bytes: value, start: 0, end: value.length },
      noHeaders,
      origin,
    );
  batch.seal('none');
  return batch;
}

/** A partition as a broker keeps it: takes a batch that is next in the sequence, knows the last five, refuses the rest. */
class Partition {
  readonly log: OutputBatch[] = [];
  #next = 0;
  #last: number[] = [];

  take(batch: OutputBatch): number {
    if (this.#last.includes(batch.baseSequence)) return errorCodes.duplicateSequence;
    if (batch.baseSequence !== this.#next) return errorCodes.outOfOrderSequence;
    this.log.push(batch);
    this.#next += batch.count;
    this.#last = [...this.#last, batch.baseSequence].slice(-5);
    return errorCodes.none;
  }
}

describe('a lane', () => {
  test('delivers every batch once and in order, through refusals and lost answers', () => {
    const notLeader = errorCodes.notLeader;
    // Found once: after two lost answers, one repeat that succeeds must not let newer batches overtake the other.
    const pushedOut = [
      'taken',
      'answer lost',
      'answer lost',
      'taken',
      'taken',
      'taken',
      'taken',
      'answer lost',
    ] as const;
    const answers = fc.array(fc.constantFrom('taken', 'taken', 'taken', 'refused', 'answer lost', 'request lost'), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 25 }),
        answers,
        fc.array(fc.nat({ max: 6 })),
        (counts, fates, bursts) => {
          const lane = new Lane('t', 0);
          const partition = new Partition();
          const batches = counts.map((count, id) => aBatch(id, count));
          for (const batch of batches) lane.enqueue(batch);
          let burst = 0;
          let fateIndex = 0;
          for (let turn = 0; !lane.isIdle && turn < 500; turn++) {
            const sent: OutputBatch[] = [];
            const wanted = 1 + (bursts[burst++] ?? 5);
            while (sent.length < wanted && lane.canSend(0)) sent.push(lane.take(identity));
            const settled = sent.map((batch) => {
              const fate = fates[fateIndex++] ?? 'taken';
              if (fate === 'refused') return [batch, notLeader] as const;
              if (fate === 'request lost') return [batch, -1] as const;
              const code = partition.take(batch);
              return [batch, fate === 'answer lost' ? -1 : code] as const;
            });
            for (const [batch, code] of settled) expect(lane.settle(batch, code).outcome).not.toBe('sequence-lost');
          }
          expect(lane.isIdle).toBe(true);
          expect(partition.log).toEqual(batches);
        },
      ),
      { numRuns: 500, examples: [[Array<number>(8).fill(1), [...pushedOut], []]] },
    );
  });

  test('has one batch in flight until the first acknowledgement, then at most five', () => {
    const lane = new Lane('t', 0);
    for (let id = 0; id < 8; id++) lane.enqueue(aBatch(id, 1));
    const first = lane.take(identity);
    expect(lane.canSend(0)).toBe(false);
    lane.settle(first, errorCodes.none);
    let count = 0;
    for (; lane.canSend(0); count++) lane.take(identity);
    expect(count).toBe(5);
  });

  test('sends nothing new beside a batch that is sent again: the broker would forget it before it is told apart', () => {
    const lane = new Lane('t', 0);
    const partition = new Partition();
    for (let id = 0; id < 12; id++) lane.enqueue(aBatch(id, 1));
    const send = (): OutputBatch[] => {
      const sent: OutputBatch[] = [];
      while (lane.canSend(0)) sent.push(lane.take(identity));
      for (const batch of sent) partition.take(batch);
      return sent;
    };
    lane.settle(send()[0]!, errorCodes.none);
    const five = send();
    // The answers to two of them are lost; all five were written.
    for (const [index, batch] of five.entries()) lane.settle(batch, index === 0 || index === 3 ? -1 : errorCodes.none);
    expect(send()).toEqual([five[0]]);
    lane.settle(five[0]!, errorCodes.duplicateSequence);
    expect(send()).toEqual([five[3]]);
    lane.settle(five[3]!, errorCodes.duplicateSequence);
    expect(send().length).toBe(5);
  });

  test('asks for a new producer id when the broker has lost the place of the first batch in line', () => {
    const lane = new Lane('t', 0);
    lane.enqueue(aBatch(0, 3));
    lane.enqueue(aBatch(1, 2));
    expect(lane.settle(lane.take(identity), errorCodes.unknownProducer)).toEqual({
      outcome: 'sequence-lost',
      releasedBytes: 0,
    });
    lane.restart();
    const again = lane.take({ ...identity, producerId: 2n });
    expect([again.baseSequence, again.count]).toEqual([0, 3]);
    lane.settle(again, errorCodes.none);
    expect(lane.take({ ...identity, producerId: 2n }).baseSequence).toBe(3);
  });

  test('tells what a leader acknowledged alone and the next one does not have, and takes no repeat for a loss', () => {
    const alone = new Lane('t', 0, 1);
    for (let id = 0; id < 5; id++) alone.enqueue(aBatch(id, 10));
    const next = (): OutputBatch => {
      const batch = alone.take(identity);
      alone.settle(batch, errorCodes.none);
      return batch;
    };
    const [first, second, third] = [next(), next(), next()] as const;
    expect(alone.noteAcknowledged(first, 100, 'topic')).toBe(0);
    expect(alone.noteAcknowledged(second, 115, 'topic')).toBe(0);
    // Sent again since its answer was lost: where it stands is no news.
    expect(alone.noteAcknowledged(first, 100, 'topic')).toBe(0);
    expect(alone.noteAcknowledged(third, 105, 'topic')).toBe(20);
    // A topic made anew begins at 0, and a broker may not remember where a repeat stands.
    expect(alone.noteAcknowledged(next(), 0, 'made anew')).toBe(0);
    expect(alone.noteAcknowledged(next(), -1, 'made anew')).toBe(0);
    const all = new Lane('t', 0);
    expect([all.noteAcknowledged(second, 50, 'topic'), all.noteAcknowledged(third, 10, 'topic')]).toEqual([0, 0]);
  });

  test('forgets what it is told to, and what comes back refused of that', () => {
    const lane = new Lane('t', 0);
    lane.enqueue(aBatch(0, 1));
    lane.enqueue(aBatch(1, 1));
    const flying = lane.take(identity);
    lane.discard();
    lane.settle(flying, errorCodes.notLeader);
    expect(lane.isIdle).toBe(true);
  });

  test('tells of every byte that leaves it once, whatever is refused before and after it is told to forget', () => {
    const answers = [errorCodes.none, errorCodes.producerFenced, errorCodes.notLeader, -1] as const;
    const step = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant('send' as const) }),
      fc.record({ kind: fc.constant('answer' as const), which: fc.nat({ max: 4 }), code: fc.constantFrom(...answers) }),
      fc.record({ kind: fc.constant('forget' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lane = new Lane('t', 0);
        const flying: OutputBatch[] = [];
        let bytes = 0;
        const settle = (batch: OutputBatch, code: number): void => {
          flying.splice(flying.indexOf(batch), 1);
          bytes -= lane.settle(batch, code).releasedBytes;
        };
        for (const [id, each] of steps.entries()) {
          if (each.kind === 'write') {
            const batch = aBatch(id, each.count);
            lane.enqueue(batch);
            bytes += batch.length;
          } else if (each.kind === 'send' && lane.canSend(0)) flying.push(lane.take(identity));
          else if (each.kind === 'answer' && flying.length > 0) settle(flying[each.which % flying.length]!, each.code);
          else if (each.kind === 'forget') bytes -= lane.discard();
          if (lane.isIdle) expect(bytes).toBe(0);
        }
        bytes -= lane.discard();
        for (const batch of [...flying]) settle(batch, errorCodes.producerFenced);
        expect({ bytes, isIdle: lane.isIdle }).toEqual({ bytes: 0, isIdle: true });
      }),
      { numRuns: 1_000 },
    );
  });

  test('keeps of what waits in line no more memory than it counts for, however small the batches', () => {
    const lane = new Lane('t', 0);
    const write = (): Buffer | null => {
      lane.open = new OutputBatch(Buffer.allocUnsafeSlow(1024 * 1024));
      lane.open.append(0, noKey, { bytes: Buffer.from('value'), start: 0, end: 5 }, noHeaders, origin);
      return lane.seal('none');
    };
    expect(write()).toBeNull();
    expect(write()?.length).toBe(1024 * 1024);
    lane.settle(lane.take(identity), errorCodes.none);
    const waiting = lane.take(identity);
    expect(waiting.bytes.buffer.byteLength).toBe(waiting.length);
    expect(waiting.bytes.includes('value')).toBe(true);
  });
});
