// Settings of the runtime that must hold before anything else is loaded; imported first by main.ts.
import { setFlagsFromString } from 'node:v8';

// What a worker allocates is nearly all buffers, short-lived and outside of the heap. Their volume makes V8 mark the whole
// heap concurrently again and again, on the one processor there is: half of all processor time, measured. Without
// incremental marking they are freed by cheap collections of the young generation, and a full one is rare.
setFlagsFromString('--no-incremental-marking');
