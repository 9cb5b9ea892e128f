// The API on this machine: the Lambda handlers behind a local HTTP server, until SIGTERM.
import { environment } from '#core/names.ts';
import { createApi } from '#functions/api/handler.ts';
import { composeLocalApi } from '#functions/compose.ts';
import { startServer } from '#functions/http-server.ts';

const { parts, close } = await composeLocalApi(process.env);
const port = Number(process.env[environment.apiPort] ?? 0);
const server = await startServer(createApi(parts), port, parts.logger);
parts.logger.info('ready', { url: `http://127.0.0.1:${server.port}` });

let stopping = false;
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  parts.logger.info('stopping', { signal });
  await server.close();
  await close();
  process.exit(0);
}
process.once('SIGTERM', () => void stop('SIGTERM'));
process.once('SIGINT', () => void stop('SIGINT'));
process.on('unhandledRejection', (error) => {
  parts.logger.error('unhandled rejection', { error });
  process.exit(70);
});
