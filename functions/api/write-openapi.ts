// Writes docs/reference/openapi.json from the table of endpoints; a test holds it fresh.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeApi } from '#functions/api/openapi.ts';
import { endpoints } from '#functions/api/routes.ts';

const path = join(import.meta.dirname, '../../docs/reference/openapi.json');
writeFileSync(path, `${JSON.stringify(describeApi(endpoints), null, 2)}\n`);
