// Bodies by gzip, where there is something to win.
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';

const gzip = promisify(gzipCallback);
const zipBytesMin = 1_024;
/** The quickest level: half the bytes or better for JSON, at the least processor time. */
const level = 1;

export interface Zipped {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export async function zip(plain: Buffer): Promise<Zipped> {
  if (plain.length < zipBytesMin) return { body: plain, headers: {} };
  return { body: await gzip(plain, { level }), headers: { 'content-encoding': 'gzip' } };
}
