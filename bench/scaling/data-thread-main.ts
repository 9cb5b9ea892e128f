// A data thread of `bench:threads`: the worker's own, but for the broker, which is inside the thread.
import '#workers/tune-runtime.ts';
import { parentPort, workerData } from 'node:worker_threads';
import { Lease } from '#workers/lease.ts';
import { servePath, type ThreadStart } from '#workers/threads.ts';
import { clock, partsOf } from './run-path.ts';
import { brokerOf, recordSet } from './thread-load.ts';

const { goal, lease } = workerData as ThreadStart;
const parts = partsOf(goal, brokerOf(recordSet(), Number(process.env['BENCH_SETS'])));
servePath(parentPort!, parts, new Lease(Number.POSITIVE_INFINITY, clock.monotonicMs, lease));
