// Requests and answers of the bulk API: one document a line whatever it holds, and whose fault each answer is.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bulkPayload, judge } from '#workers/sinks/opensearch-bulk.ts';
import { readTime } from '#workers/sinks/opensearch-sink.ts';
import type { Answer } from '#workers/sinks/remote/endpoint.ts';
import type { HeldRecord } from '#workers/sinks/remote/lane.ts';

const held = [{ id: 'a' }] as unknown as readonly HeldRecord[];
const answer = (status: number, body: object | string = ''): Answer => ({
  ...{ kind: 'answer', status, retryAfterMs: null, isCut: false },
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
const item = (status: number, type = 'some_exception') =>
  answer(200, { errors: true, items: [{ index: { _id: 'a', status, error: { type, reason: 'because' } } }] });

describe('a document', () => {
  test('stands on one line of its own, whatever its bytes are, so it can begin no other action', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (document, id) => {
        const payload = bulkPayload('plays', id, document);
        expect(payload.filter((byte) => byte === 0x0a)).toHaveLength(2);
        const action = payload.subarray(0, payload.indexOf(0x0a)).toString();
        expect(JSON.parse(action)).toEqual({ index: { _index: 'plays', _id: id } });
        expect(payload.length).toBe(Buffer.byteLength(action) + document.length + 2);
      }),
    );
  });
});

describe('an answer', () => {
  test.each([200, 201])('%i for the document: written', (status) => {
    expect(judge(held, item(status))).toEqual({ kind: 'items', items: [{ kind: 'written' }] });
  });

  test.each([
    [400, 'mapper_parsing_exception', 'rejected'],
    [400, 'strict_dynamic_mapping_exception', 'rejected'],
    [400, 'illegal_argument_exception', 'rejected'],
    [409, 'version_conflict_engine_exception', 'rejected'],
    [413, 'too_large', 'too-large'],
  ])('%i %s: the document is refused', (status, type, errorClass) => {
    const refusal = { errorClass, code: `sink-${status}`, message: expect.stringContaining(`${type}: because`) };
    expect(judge(held, item(status, type))).toEqual({ kind: 'items', items: [{ kind: 'refused', refusal }] });
  });

  test.each([
    [429, 'rejected_execution_exception', 'sink-throttled'],
    [429, 'circuit_breaking_exception', 'sink-throttled'],
    [503, 'unavailable_shards_exception', 'sink-refused'],
    [404, 'index_not_found_exception', 'sink-refused'],
    [403, 'security_exception', 'sink-unauthorized'],
    [403, 'cluster_block_exception', 'sink-refused'],
    [400, 'validation_exception', 'sink-refused'],
    [0, '', 'sink-refused'],
  ])('%i %s: no document can help it, so it is tried again', (status, type, code) => {
    expect(judge(held, item(status, type))).toMatchObject({ kind: 'items', items: [{ kind: 'again', code }] });
  });

  test.each([
    [401, 'again', 'sink-unauthorized'],
    [403, 'again', 'sink-unauthorized'],
    [302, 'again', 'sink-redirects'],
    [404, 'again', 'sink-refused'],
    [429, 'again', 'sink-throttled'],
    [500, 'again', 'sink-refused'],
  ])('%i for the request', (status, kind, code) => expect(judge(held, answer(status))).toMatchObject({ kind, code }));

  test.each([400, 413])('%i for the request: it is divided', (status) => {
    expect(judge(held, answer(status))).toMatchObject({ kind: 'refused', refusal: { code: `sink-${status}` } });
  });

  test('of any JSON, or none, acknowledges nothing that it does not name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        expect(judge(held, answer(200, body))).toMatchObject({ kind: 'again', code: 'sink-answer-malformed' });
      }),
    );
  });
});

describe('the time that names an index', () => {
  test.each([
    ['{"at":1767225600000}', '2026-01-01T00:00:00.000Z'],
    ['{"at":"2026-01-01T00:00:00Z"}', '2026-01-01T00:00:00.000Z'],
    ['{"at":"2026-01-01T01:00:00+01:00"}', '2026-01-01T00:00:00.000Z'],
    ['{"at":"2026-01-01 00:00:00+00"}', '2026-01-01T00:00:00.000Z'],
    ['{"at":"2026-01-01T00:00:00"}', '2026-01-01T00:00:00.000Z'],
    ['{"at":"2026-01-01"}', '2026-01-01T00:00:00.000Z'],
  ])('%s', (json, expected) => expect(new Date(readTime(json) ?? 0).toISOString()).toBe(expected));
  test.each(['{"at":null}', '{"at":"soon"}', '{"at":-1}', '{"at":1e300}', '{"at":true}', '{"at":{}}'])(
    '%s is none',
    (json) => expect(readTime(json)).toBeNull(),
  );
});
