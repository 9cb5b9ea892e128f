// Names in what all tenants share: no tenant can name what is another's.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  deadLetterTopic,
  defaultTenant,
  jobName,
  telemetryGroup,
  topicOfStream,
  transactionGroup,
} from '#core/names.ts';

const name = fc.stringMatching(/^[a-z0-9](-?[a-z0-9]){0,8}$/);
const tenant = fc.oneof(fc.constant(defaultTenant), name);

test('two tenants, or two names of one, never come to the same topic or group', () => {
  const thing = fc.record({ tenant, route: name, sink: name, uid: name });
  const namesOf = (of: { tenant: string; route: string; sink: string; uid: string }): readonly string[] => {
    const job = jobName(of.route, of.sink);
    return [
      topicOfStream(of.tenant, of.route),
      deadLetterTopic(of.tenant, job),
      telemetryGroup(of.tenant, job),
      transactionGroup(`${of.tenant}/${job}@${of.uid}`),
    ];
  };
  fc.assert(
    fc.property(thing, thing, (a, b) => {
      const sameStream = a.tenant === b.tenant && a.route === b.route;
      const sameJob = sameStream && a.sink === b.sink;
      const [ofA, ofB] = [namesOf(a), namesOf(b)];
      expect(ofA[0] === ofB[0]).toBe(sameStream);
      for (const at of [1, 2]) expect(ofA[at] === ofB[at]).toBe(sameJob);
      // Kinds do not meet either.
      for (const [at, one] of ofA.entries())
        for (const [other, two] of ofB.entries()) if (at !== other) expect(one).not.toBe(two);
    }),
  );
});

test('what the default tenant has is named as it always was', () => {
  expect(topicOfStream(defaultTenant, 'plays')).toBe('plays');
  expect(deadLetterTopic(defaultTenant, 'plays.out')).toBe('__dlq.plays.out');
  expect(topicOfStream('acme', 'plays')).toBe('acme.plays');
});
