// What every schema registry must do, whoever fills the port.
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { SchemaRegistry } from '#core/ports/schema-registry.ts';

export interface RegistryUnderTest {
  readonly registry: SchemaRegistry;
  /** From now on the subject takes only schemas that can read what was written by the one before. */
  requireBackward(subject: string): Promise<void>;
}

const avro = (fields: readonly object[]): { readonly kind: 'avro'; readonly text: string } => ({
  kind: 'avro',
  text: JSON.stringify({ type: 'record', name: 'Play', namespace: 'com.acme', fields }),
});
const first = avro([{ name: 'id', type: 'string' }]);
const second = avro([
  { name: 'id', type: 'string' },
  { name: 'country', type: ['null', 'string'], default: null },
]);
const broken = avro([{ name: 'id', type: 'long' }]);

export function schemaRegistryContract(name: string, of: () => RegistryUnderTest): void {
  describe(`the schema registry ${name}`, () => {
    const aSubject = (): string => `t${randomUUID().slice(0, 8)}-value`;

    test('gives a schema back by the id that it was registered under, and finds it by its text', async () => {
      const { registry } = of();
      const subject = aSubject();
      const id = await registry.register(subject, first);
      const found = await registry.byId(id);
      expect(found).toMatchObject({ kind: 'avro', references: [] });
      expect(JSON.parse(found!.text)).toEqual(JSON.parse(first.text));
      expect(await registry.find(subject, first)).toBe(id);
      expect(await registry.register(subject, first)).toBe(id);
    });

    test('says which version of a subject is the newest', async () => {
      const { registry } = of();
      const subject = aSubject();
      expect(await registry.latest(subject)).toBeNull();
      const before = await registry.register(subject, first);
      expect(await registry.latest(subject)).toMatchObject({ id: before, version: 1 });
      const id = await registry.register(subject, second);
      expect(id).not.toBe(before);
      expect(await registry.latest(subject)).toMatchObject({ id, version: 2, schema: { kind: 'avro' } });
    });

    test('knows Protobuf as what it is', async () => {
      const { registry } = of();
      const subject = aSubject();
      const text = 'syntax = "proto3";\nmessage Play {\n  string id = 1;\n}\n';
      const id = await registry.register(subject, { kind: 'protobuf', text });
      expect(await registry.byId(id)).toMatchObject({ kind: 'protobuf' });
      expect(await registry.latest(subject)).toMatchObject({ id, schema: { kind: 'protobuf' } });
    });

    test('does not know what nobody registered', async () => {
      const { registry } = of();
      const subject = aSubject();
      expect(await registry.byId(2_000_000_000)).toBeNull();
      expect(await registry.find(subject, first)).toBeNull();
      await registry.register(subject, first);
      expect(await registry.find(subject, second)).toBeNull();
    });

    test('keeps out what its subject’s rule forbids, and says so', async () => {
      const { registry, requireBackward } = of();
      const subject = aSubject();
      await registry.register(subject, first);
      await requireBackward(subject);
      await registry.register(subject, second);
      await expect(registry.register(subject, broken)).rejects.toMatchObject({ code: 'schema-refused', fault: 'user' });
    });
  });
}
