// The weights beside the fields, held against the schemas that people write by.
import { describe, expect, test } from '@jest/globals';
import { diffJson, weighedFields, weightOf } from '#core/plan/change-weight.ts';
import { declaredRouteSpec, declaredStreamSpec } from '#core/spec/declared.ts';

describe('the weight of a change', () => {
  test.each([
    ['Route', declaredRouteSpec.shape],
    ['Stream', declaredStreamSpec.shape],
  ] as const)('of every field of a %s is stated', (kind, shape) => {
    const stated = weighedFields(kind);
    const missing = Object.keys(shape).filter((name) => !stated.includes(`spec.${name}`));
    expect(missing).toEqual([]);
    const known = [...Object.keys(shape).map((name) => `spec.${name}`), 'metadata.labels', 'metadata.owner'];
    const unknown = stated.filter((path) => !known.some((one) => path === one || path.startsWith(`${one}.`)));
    expect(unknown).toEqual([]);
  });

  test('of a field that nobody thought of is the heaviest that there is', () => {
    expect(weightOf('Route', 'spec.neverHeardOf')).toBe('replace');
  });

  test('of a sink that is taken out is that its job ends; the others have not moved', () => {
    const before = {
      to: [
        { name: 'a', stream: 'x' },
        { name: 'b', stream: 'y' },
      ],
    };
    expect(diffJson('Route', before, { to: [{ name: 'b', stream: 'y' }] }, 'spec')).toEqual([
      { path: 'spec.to[0]', before: { name: 'a', stream: 'x' }, after: null, class: 'replace' },
    ]);
    const [added] = diffJson('Route', { to: [{ name: 'b', stream: 'y' }] }, before, 'spec');
    expect(added).toMatchObject({ path: 'spec.to[0]', before: null, class: 'stop-start' });
  });
});
