// A service that takes events once: it remembers the keys of those that it has, and prints the others.
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

/** A real service keeps the keys with what it does, in one transaction. */
const seen = new Set();

const server = createServer(async (request, response) => {
  const events = await json(request);
  for (const { key, event } of events) {
    if (seen.has(key)) continue;
    seen.add(key);
    console.log(JSON.stringify(event));
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 8099), '127.0.0.1', () => {
  console.error(`listening on http://127.0.0.1:${server.address().port}`);
});
