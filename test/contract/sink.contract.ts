// What every sink guarantees to the data path, whatever it writes to: one suite, run over each kind.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '#test/support/until.ts';
import { SinkRig } from '#test/workers/sinks/sink-rig.ts';
import type { Sink } from '#workers/sinks/sink.ts';

/** A sink with its other end, which a test can stop. */
export interface SinkUnderTest {
  readonly sink: Sink;
  /** Numbers of the events that are durable at the other end. */
  delivered(): Promise<readonly number[]>;
  /** Nothing is taken any more; it is told, or times out. */
  stop(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

export interface SinkKindUnderTest {
  /** Starts what all sinks of the suite write to; `open` makes a sink with a place of its own there. */
  start(): Promise<void>;
  end(): Promise<void>;
  open(rig: SinkRig, wishes: { readonly lingers: boolean }): Promise<SinkUnderTest>;
  /** An event that the other end never takes. */
  readonly bad: (n: number) => object;
  /** Absent: it cannot forget one split alone. The reason. */
  readonly forgetsNone?: string;
  /** All that a sink may hold. */
  readonly pendingBytesMax: number;
}

/** Long enough for anything that is sent to arrive; that nothing is cannot be awaited. */
const silenceMs = 300;
const event = (n: number): object => ({ n, text: 'plain' });

export function sinkContract(kind: string, make: () => SinkKindUnderTest): void {
  describe(`a sink of kind ${kind}`, () => {
    const under = make();
    let rig: SinkRig;
    let one: SinkUnderTest;

    beforeAll(() => under.start(), 240_000);
    afterAll(() => under.end(), 60_000);
    beforeEach(async () => {
      rig = new SinkRig();
      one = await under.open(rig, { lingers: false });
    });
    afterEach(() => one.close());

    const take = (from: number, count: number): void => {
      for (let n = from; n < from + count; n++) rig.take(one.sink, event(n), { key: String(n % 7) });
      one.sink.nudge();
    };
    const reached = (position: number): Promise<true> =>
      until(() => (rig.position() >= position ? true : null), `position ${position}`);
    const delivered = async (count: number): Promise<readonly number[]> =>
      await until(async () => {
        const found = await one.delivered();
        return new Set(found).size >= count ? found : null;
      }, `${count} events at the other end`);
    const numbers = (from: number, count: number): readonly number[] =>
      Array.from({ length: count }, (_, index) => from + index);
    const sorted = (found: readonly number[]): readonly number[] => [...new Set(found)].sort((a, b) => a - b);

    test('what is taken is delivered, once where nothing fails, and the position follows', async () => {
      take(0, 500);
      await reached(500);
      const found = await delivered(500);
      expect([...found].sort((a, b) => a - b)).toEqual(numbers(0, 500));
    });

    test('nothing is acknowledged while the other end takes nothing; all is when it does again', async () => {
      take(0, 10);
      await reached(10);
      await one.stop();
      take(10, 50);
      await until(() => (one.sink.isRefused ? true : null), 'the sink to say that it is refused');
      expect(rig.position()).toBe(10);
      await one.resume();
      await reached(60);
      expect(sorted(await delivered(60))).toEqual(numbers(0, 60));
    });

    test('what it holds while it is stopped is bounded: room closes, and opens again [fault 110]', async () => {
      await one.stop();
      const pad = 'x'.repeat(50_000);
      let count = 0;
      for (; one.sink.room() === null; count++) {
        expect(count * pad.length).toBeLessThan(under.pendingBytesMax * 1.2);
        rig.take(one.sink, { n: count, pad });
        one.sink.nudge();
      }
      const room = one.sink.room();
      await one.resume();
      await room;
      one.sink.flush();
      await reached(count);
      expect(sorted(await delivered(count))).toEqual(numbers(0, count));
    });

    test('starting over forgets what is not acknowledged, and goes on with what is taken next', async () => {
      await one.stop();
      take(0, 40);
      await one.sink.startOver();
      rig.split().rewind();
      await one.sink.room();
      await one.resume();
      take(100, 40);
      await until(() => (rig.split().isSettled ? true : null), 'the second forty');
      const found = await delivered(40);
      expect(numbers(100, 40).every((n) => found.includes(n))).toBe(true);
    });

    (under.forgetsNone === undefined ? test : test.skip)(
      'what is held of a split that was handed on is not delivered later, and takes up no room; others’ is delivered',
      async () => {
        await one.sink.adopt?.(rig.split(1));
        await one.stop();
        rig.take(one.sink, event(0));
        one.sink.flush();
        await until(() => (rig.troubles.length > 0 ? true : null), 'the sink to be tried');
        for (let n = 1; n < 20; n++) rig.take(one.sink, event(n));
        for (let n = 100; n < 120; n++) rig.take(one.sink, event(n), { partition: 1 });
        one.sink.nudge();
        rig.split().rewind();
        one.sink.forget!(rig.split());
        await one.resume();
        one.sink.flush();
        await until(() => (rig.position(1) === 20 ? true : null), 'the other split’s');
        await sleep(silenceMs);
        expect(sorted(await delivered(20))).toEqual(numbers(100, 20));
        expect(one.sink.isRefused).toBe(false);
        expect(one.sink.room()).toBeNull();
      },
    );

    test('one record that can never be taken is refused alone, the others are delivered', async () => {
      take(0, 20);
      const refusedAtOnce = rig.take(one.sink, under.bad(20)).refusal;
      take(21, 20);
      await reached(41);
      const found = await delivered(40);
      expect(sorted(found)).toEqual([...numbers(0, 20), ...numbers(21, 20)]);
      const refusals = [...(refusedAtOnce === null ? [] : [refusedAtOnce]), ...rig.aside.map(({ refusal }) => refusal)];
      expect(refusals).toHaveLength(1);
      expect(['too-large', 'rejected']).toContain(refusals[0]!.errorClass);
      expect(refusals[0]!.message).not.toBe('');
    });

    test('without its lease it falls silent, and says nothing is wrong with the other end [fault 55]', async () => {
      take(0, 5);
      await reached(5);
      rig.holdsLease = false;
      take(5, 20);
      one.sink.flush();
      await sleep(silenceMs);
      expect(await delivered(5)).toHaveLength(5);
      expect(rig.position()).toBe(5);
      rig.holdsLease = true;
      one.sink.nudge();
      await reached(25);
      expect(sorted(await delivered(25))).toEqual(numbers(0, 25));
    });

    test('flush delivers what waits for company', async () => {
      await one.close();
      one = await under.open(rig, { lingers: true });
      take(0, 3);
      one.sink.flush();
      await reached(3);
      expect(sorted(await delivered(3))).toEqual(numbers(0, 3));
    });
  });
}
