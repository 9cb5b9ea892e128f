// The goal compiled pass after pass is the goal compiled from nothing, whatever happened in between.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { createPlatformCompiler } from '#core/graph/platform-compiler.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { ConfigEntry, Freeze, GoalRevision, Operation } from '#core/ports/goal-store.ts';

import { aRevision, aRoute, aSnapshot, playbackEvents } from '#test/support/documents.ts';

beforeAll(loadParser);

const tenants = ['a', 'b'];
const conditions = ["type = 'play'", "country = 'CH'", 'no_such_field = 1'];

const kinds = ['declare', 'configure', 'expire', 'restart', 'pause', 'freeze', 'delete', 'restore'] as const;

/** One tenant changes, deletes, or restarts one route. `time` tells apart what a restored store numbers the same. */
const step = fc.record({
  tenant: fc.constantFrom(...tenants),
  route: fc.constantFrom('r0', 'r1'),
  kind: fc.constantFrom(...kinds),
  where: fc.constantFrom(...conditions),
});

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

class Declared {
  #heads = new Map<string, GoalRevision>(
    tenants.map((tenant) => [`${tenant}/stream`, { ...aRevision(playbackEvents), tenant }]),
  );
  #before = this.#heads;
  #operations: readonly Operation[] = [];
  #freezes: readonly Freeze[] = [];
  #config: readonly ConfigEntry[] = [];
  #time = 0;

  take({ tenant, route, kind, where }: Step): void {
    this.#time++;
    if (kind === 'restore') {
      this.#heads = this.#before;
      return;
    }
    if (kind === 'freeze') {
      const freeze: Freeze = {
        tenant,
        scope: 'job',
        name: `${route}.out`,
        author: 'ann',
        reason: where,
        at: this.#time,
      };
      this.#freezes = this.#freezes.length > 1 ? [] : [...this.#freezes, freeze];
      return;
    }
    if (kind === 'configure' || kind === 'expire') {
      this.#config = kind === 'expire' ? [] : [...this.#config, this.#setting(tenant, route)];
      return;
    }
    const key = `${tenant}/${route}`;
    const head = this.#heads.get(key);
    if (kind === 'restart' || kind === 'pause') {
      const asked = {
        id: `op-${this.#time}`,
        tenant,
        job: `${route}.out`,
        uid: `u-${route}`,
        kind,
        author: 'ann',
      } as const;
      const operation: Operation = { ...asked, sequence: this.#time, state: 'succeeded', reason: '', requestedAt: 0 };
      this.#operations = [...this.#operations, operation];
      return;
    }
    const revision = aRevision(aRoute(route, 'playback-events', `${route}-out`, { where }));
    const declared = kind === 'delete' ? null : revision.declared;
    this.#before = this.#heads;
    this.#heads = new Map(this.#heads).set(key, {
      ...{ ...revision, tenant, uid: `u-${route}`, declared },
      ...{ revision: (head?.revision ?? 0) + 1, at: this.#time },
    });
  }

  #setting(tenant: string, route: string): ConfigEntry {
    const of = { tenant, scope: 'job', subject: `${route}.out`, uid: `u-${route}` } as const;
    const what = { key: 'throttle.recordsPerSecond', value: this.#time, expiresAt: 9_000 };
    return { ...of, ...what, author: 'ann', reason: '', at: this.#time };
  }

  snapshot() {
    return { ...aSnapshot([...this.#heads.values()], this.#operations, this.#config), freezes: this.#freezes };
  }
}

describe('a compiler that remembers', () => {
  test('gives what compiling from nothing gives, after any changes of any tenant', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const compile = createPlatformCompiler(localSettings, planRoute);
        const declared = new Declared();
        for (const each of steps) {
          declared.take(each);
          expect(compile(declared.snapshot())).toEqual(compilePlatform(declared.snapshot(), localSettings, planRoute));
        }
      }),
      // Each kind of change once by itself, whatever is drawn.
      { numRuns: 50, examples: [[kinds.map((kind) => ({ tenant: 'a', route: 'r0', kind, where: conditions[0]! }))]] },
    );
  });

  test('leaves the part of a tenant alone where nothing changed', () => {
    const compile = createPlatformCompiler(localSettings, planRoute);
    const declared = new Declared();
    const declare = (tenant: string, where: string) => declared.take({ tenant, route: 'r0', kind: 'declare', where });
    declare('a', conditions[0]!);
    declare('b', conditions[0]!);
    const before = compile(declared.snapshot());
    declare('b', conditions[1]!);
    const after = compile(declared.snapshot());
    expect(after.jobs.map((job) => before.jobs.includes(job))).toEqual([true, false]);
  });
});
