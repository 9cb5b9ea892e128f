// The reconciler on this machine: nudges over HTTP and from the goal store's outbox, a sweep every few seconds.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { readLogLevel } from '#core/environment.ts';
import { composeLocal } from '#functions/reconcile/compose.ts';
import { createReconcileHandler } from '#functions/reconcile/handler.ts';
import { createLocalMachine } from '#functions/reconcile/local-machine.ts';
import type { BeatMemory } from '#functions/reconcile/observe.ts';
import { oneAtATime, PassDriver } from '#functions/reconcile/pass-driver.ts';
import { runPass, type TargetBackoff } from '#functions/reconcile/run-pass.ts';
import type { Watching } from '#functions/reconcile/watch-jobs.ts';

/** Bounds how long a silent worker or a lost event goes unnoticed. */
const sweepEveryMs = 2_000;

const { parts, port, listen, takeChanges, close } = await composeLocal(
  process.env,
  createLogger({ level: readLogLevel(process.env), fields: { program: 'reconciler' } }),
);
const backoff: TargetBackoff = new Map();
const beats: BeatMemory = { sightings: new Map() };
const watching: Watching = { lastAt: 0 };
const health = { passes: 0, lastPassAt: 0, lastPassMs: 0 };

const passes = oneAtATime(async () => {
  const startedAt = performance.now();
  const forget = await takeChanges();
  const report = await runPass(parts, backoff, watching, beats);
  await forget();
  health.passes++;
  health.lastPassAt = Date.now();
  health.lastPassMs = Math.round(performance.now() - startedAt);
  return report;
});
const handler = createReconcileHandler(() => passes.run(), parts.clock.now, parts.logger);
const driver = new PassDriver(createLocalMachine(handler), parts.logger, passes);

function answer(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const nudged = request.method === 'POST' && request.url === '/nudge';
  if (nudged) driver.nudge('nudge');
  const known = nudged || (request.method === 'GET' && request.url === '/health');
  response.writeHead(known ? (nudged ? 202 : 200) : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(known ? { ok: true, ...health } : { ok: false, detail: 'POST /nudge or GET /health' }));
}

const server = createServer(answer);
server.listen(port, '127.0.0.1', () => parts.logger.info('ready', { port }));
const outbox = listen(() => driver.nudge('goal changed'));
const sweep = setInterval(() => driver.sweep(), sweepEveryMs);
driver.nudge('start');

async function stop(signal: string): Promise<void> {
  parts.logger.info('stopping', { signal });
  clearInterval(sweep);
  driver.close();
  server.close();
  await outbox.close();
  await passes.idle();
  await close();
  process.exit(0);
}
process.once('SIGTERM', () => void stop('SIGTERM'));
process.once('SIGINT', () => void stop('SIGINT'));
process.on('unhandledRejection', (error) => {
  parts.logger.error('unhandled rejection', { error });
  process.exit(70);
});
