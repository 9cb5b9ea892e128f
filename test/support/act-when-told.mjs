// Loaded into a worker before its own program: on SIGUSR2 something befalls it, as the environment names it.
import { existsSync } from 'node:fs';

const realNow = Date.now;
let shiftMs = 0;
Date.now = () => realNow() + shiftMs;

const deeds = {
  /** V8 gives up: the process aborts. */
  heap: () => {
    for (const held = []; ; ) held.push(new Array(100_000).fill({}));
  },
  rejection: () => void Promise.reject(new Error('planted')),
  /** Nothing of the process runs until the file is there: no timer, no heartbeat, no answer. */
  block: () => {
    const never = new Int32Array(new SharedArrayBuffer(4));
    while (!existsSync(process.env['TEST_UNTIL_FILE'])) Atomics.wait(never, 0, 0, 20);
  },
  clock: () => {
    shiftMs += Number(process.env['TEST_CLOCK_SHIFT_MS']);
  },
};

process.on('SIGUSR2', () => deeds[process.env['TEST_DEED']]());
