// The source's records and the registry: what waits, what does not, and who is asked how often.
import { describe, expect, test } from '@jest/globals';
import { compileWriter } from '#core/formats/codec.ts';
import { writeSchemaId } from '#core/formats/wire-format.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import { MemorySchemaRegistry } from '#test/support/memory-schema-registry.ts';
import { SourceDecoder } from '#workers/formats/source-decoder.ts';

const schema = JSON.stringify({ type: 'record', name: 'Play', fields: [{ name: 'id', type: 'string' }] });
const goal: FormatGoal = {
  ...{ kind: 'avro', subject: 's', register: true, schema, message: null },
  registry: { url: 'http://registry', networks: [], auth: null },
};

function aRecord(id: number): Uint8Array {
  const out = { bytes: new Uint8Array(16), length: 0 };
  const json = Buffer.from('{"id":"a"}');
  writeSchemaId(out, id);
  compileWriter({ kind: 'avro', schema, message: null })(json, 0, json.length, out);
  return out.bytes.slice(0, out.length);
}

interface Rig {
  readonly registry: MemorySchemaRegistry;
  readonly decoder: SourceDecoder;
  readonly troubles: string[];
  nowMs: number;
  /** Decodes, waiting as long as the decoder asks to. */
  settle(record: Uint8Array): Promise<string>;
}

function aRig(): Rig {
  const registry = new MemorySchemaRegistry();
  const troubles: string[] = [];
  const rig: Rig = {
    ...{ registry, troubles, nowMs: 0 },
    decoder: new SourceDecoder(goal, registry, {
      onTrouble: (code) => troubles.push(code),
      monotonicMs: () => rig.nowMs,
    }),
    async settle(record) {
      for (;;) {
        const decoded = rig.decoder.decode(record, 0, record.length);
        if (decoded === 'fault') return rig.decoder.fault!.code;
        const { out } = rig.decoder;
        if (decoded === 'decoded') return Buffer.from(out.bytes.subarray(0, out.length)).toString();
        await rig.decoder.room();
      }
    },
  };
  return rig;
}

describe('the decoder of a source', () => {
  test('asks once for each schema, and has nobody wait once it knows it', async () => {
    const rig = aRig();
    const id = await rig.registry.register('s', { kind: 'avro', text: schema });
    const before = rig.registry.callCount;
    expect(await rig.settle(aRecord(id))).toBe('{"id":"a"}');
    for (let round = 0; round < 100; round++) expect(await rig.settle(aRecord(id))).toBe('{"id":"a"}');
    expect([rig.registry.callCount - before, rig.decoder.room()]).toEqual([1, null]);
  });

  test('has records wait while the registry is down, says so, and reads them when it is back', async () => {
    const rig = aRig();
    const id = await rig.registry.register('s', { kind: 'avro', text: schema });
    rig.registry.isUp = false;
    const settled = rig.settle(aRecord(id));
    while (rig.troubles.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect([rig.troubles[0], rig.decoder.isRefused]).toEqual(['registry-unavailable', true]);
    rig.registry.isUp = true;
    expect(await settled).toBe('{"id":"a"}');
    expect(rig.decoder.isRefused).toBe(false);
  });

  test('finds a schema that a slow registry knows a moment later', async () => {
    const rig = aRig();
    const settled = rig.settle(aRecord(1));
    await rig.registry.register('s', { kind: 'avro', text: schema });
    expect(await settled).toBe('{"id":"a"}');
  });

  test('sets an unknown id aside, and asks again only after a while', async () => {
    const rig = aRig();
    expect(await rig.settle(aRecord(7))).toBe('unknown_schema');
    const before = rig.registry.callCount;
    expect(await rig.settle(aRecord(7))).toBe('unknown_schema');
    expect(rig.registry.callCount).toBe(before);
    rig.nowMs = 61_000;
    for (let id = 1; id <= 7; id++)
      await rig.registry.register(`s${id}`, {
        kind: 'avro',
        text: schema.replace('Play', id === 7 ? 'Play' : `P${id}`),
      });
    expect(await rig.settle(aRecord(7))).toBe('{"id":"a"}');
  });

  test('says of a schema that never fits which field is at fault, without asking again', async () => {
    const rig = aRig();
    const id = await rig.registry.register('s', { kind: 'avro', text: schema.replace('"string"', '"long"') });
    expect(await rig.settle(aRecord(id))).toBe('incompatible_schema');
    expect(rig.decoder.fault!.message).toMatch(/field id: it was written as long and cannot be read as string/);
    expect(rig.decoder.fault!.errorClass).toBe('schema');
  });

  test('sets aside what a schema wrote that can never be used, and asks no more', async () => {
    const rig = aRig();
    rig.registry.unusable = 'it is in XML';
    expect(await rig.settle(aRecord(7))).toBe('incompatible_schema');
    expect(rig.decoder.fault).toMatchObject({ errorClass: 'schema', message: expect.stringContaining('it is in XML') });
    expect(await rig.settle(aRecord(7))).toBe('incompatible_schema');
    expect([rig.registry.callCount, rig.troubles, rig.decoder.isRefused]).toEqual([1, [], false]);
  });

  test('sets aside what is written by a schema that nobody can go through, and reads what comes behind', async () => {
    const rig = aRig();
    const chain = Array.from({ length: 90 }, (_, group) => {
      const types = Array.from({ length: 50 }, (_each, place) => group * 50 + place);
      const fields = types.map((index) => ({
        name: `f${index}`,
        type: {
          type: 'record',
          name: `A${index}`,
          fields: [{ name: 'x', type: index === 0 ? 'int' : `A${index - 1}` }],
        },
      }));
      return { name: `g${group}`, text: JSON.stringify({ type: 'record', name: `G${group}`, fields }) };
    });
    const deep = schema.replace('"string"', '"string"},{"name":"a","type":"A4499"');
    const first = await rig.registry.register('s', { kind: 'avro', text: deep }, chain);
    const second = await rig.registry.register('t', { kind: 'avro', text: schema });
    expect(await rig.settle(aRecord(first))).toBe('incompatible_schema');
    expect(rig.decoder.fault!.message).toMatch(/lie more than 800 deep in each other/);
    expect(await rig.settle(aRecord(second))).toBe('{"id":"a"}');
    expect(rig.troubles).toEqual([]);
  });
});
