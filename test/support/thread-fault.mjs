// Loaded before a worker's program (--import): when the file named by THREAD_FAULT is there, one data thread does what it says.
import { existsSync, readFileSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

const file = process.env.THREAD_FAULT;
const lookMs = 20;

if (!isMainThread && file !== undefined && workerData?.number === 0) {
  setInterval(() => {
    if (!existsSync(file)) return;
    const fault = readFileSync(file, 'utf8');
    if (fault === 'die') throw new Error('this thread was told to die');
    if (fault === 'hang') for (;;);
  }, lookMs);
}
