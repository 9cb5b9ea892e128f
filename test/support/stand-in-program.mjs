// Stands in for the API or the reconciler where a test is about their host: it answers their health request.
import { createServer } from 'node:http';

const port = process.title.includes('api') ? process.env.MILLRACE_API_PORT : process.env.MILLRACE_RECONCILER_PORT;
createServer((_, response) => response.end('{}')).listen(Number(port), '127.0.0.1');
