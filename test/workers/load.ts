// A steady load for a worker, and what became of it: lost, doubled, out of order.
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamJobGoal, WorkerRig } from './worker-rig.ts';

export interface Load {
  /** Gives how many events were acknowledged. */
  stop(): Promise<number>;
  count(): number;
}

export interface LoadWishes {
  readonly perTurn?: number;
  /** Rest between two turns. */
  readonly turnMs?: number;
  /** Bytes added to each event. */
  readonly padBytes?: number;
}

/** Produces events with rising ids until it is told to stop. */
export function startLoad(rig: WorkerRig, goal: StreamJobGoal, wishes: LoadWishes = {}): Load {
  const { perTurn = 500, turnMs = 25, padBytes = 0 } = wishes;
  const pad = padBytes === 0 ? {} : { pad: 'x'.repeat(padBytes) };
  let count = 0;
  let going = true;
  const run = async (): Promise<void> => {
    while (going) {
      const messages = Array.from({ length: perTurn }, (_, index) => ({
        key: `k${(count + index) % 40}`,
        value: JSON.stringify({ id: count + index, ...pad }),
      }));
      await rig.produce(goal.source.topic, messages);
      count += perTurn;
      await sleep(turnMs);
    }
  };
  const running = run();
  // A test that failed does not stop its load; the next one must not fail for it.
  running.catch(() => {});
  return {
    count: () => count,
    stop: async () => {
      going = false;
      await running;
      return count;
    },
  };
}

export interface Found {
  readonly lost: number;
  readonly duplicates: number;
  readonly disordered: number;
}

/** What arrived, against ids 0 to `count`. Order: of first arrivals, per key. */
export async function compareWithLoad(rig: WorkerRig, goal: StreamJobGoal, count: number): Promise<Found> {
  const seen = new Set<number>();
  const last = new Map<string, number>();
  let duplicates = 0;
  let disordered = 0;
  for (const { value, key } of await rig.read(goal.sink.topic)) {
    const { id } = JSON.parse(String(value)) as { id: number };
    if (seen.has(id)) duplicates++;
    else {
      if (id < (last.get(String(key)) ?? -1)) disordered++;
      last.set(String(key), id);
    }
    seen.add(id);
  }
  return { lost: count - seen.size, duplicates, disordered };
}
