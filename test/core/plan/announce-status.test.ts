// What is told of a job as it changes: its phase once, and each alert when it is raised and when it is cleared.
import { expect, test } from '@jest/globals';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { Decision } from '#core/plan/action.ts';
import { announceStatus } from '#core/plan/announce-status.ts';
import { freshControl } from '#core/plan/control.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { measureOf } from '#core/status/job-measures.ts';
import { aHeartbeat, aJobEntry, anObservedJob, aSplit, theTime } from '#test/support/builders.ts';

const entry = aJobEntry({ alerts: { lag: 300_000, deadLetterRate: 0.01 } });
const slot = { incarnation: 1, render: entry.render, startedAt: 0, failureCount: 0, nextStartAt: 0 };
const nothing: Decision = { target: entry.goal.id, control: null, actions: [], events: [], settled: true };
const controlWith = (announced: ControlRecord['announced']): ControlRecord => ({
  ...{ ...freshControl(entry.goal.id, entry.goal.uid), version: 4, slots: { '0': slot }, announced },
});
const late: Partial<Heartbeat> = { freshnessMs: 420_000, splits: [aSplit({ lagRecords: 10, movedAt: theTime })] };

const announce = (announced: ControlRecord['announced'], heartbeat: Partial<Heartbeat>, of = entry) =>
  announceStatus(
    of,
    nothing,
    anObservedJob({ control: controlWith(announced), heartbeats: [aHeartbeat(of, 1, heartbeat)] }),
  );
const told = ({ events }: Decision) => events.map(({ reason, message }) => `${reason} ${message}`);

test('an alert is told when it is raised, with its numbers, and is remembered', () => {
  const decision = announce({ phase: 'Running' }, late);
  expect(told(decision)).toEqual(['AlertRaised lag: lag is 7m, to be at most 5m']);
  expect(decision.control?.announced).toEqual({ phase: 'Running', alerts: 'lag' });
});

test.each(['unsure', 'suspect'] as const)('nothing is told by the word of a worker that is %s', (certainty) => {
  const observed = anObservedJob({ control: controlWith({}), heartbeats: [{ ...aHeartbeat(entry, 1), certainty }] });
  expect(announceStatus(entry, nothing, observed)).toBe(nothing);
});

test('while it stays raised nothing more is told, and nothing is written', () => {
  const decision = announce({ phase: 'Running', alerts: 'lag' }, late);
  expect([told(decision), decision.control]).toEqual([[], null]);
});

test('while its worker holds no split yet an alert stays as it was, and no figure is told of its lag', () => {
  const heartbeat = { freshnessMs: null, splits: [] };
  const decision = announce({ phase: 'Deploying', alerts: 'lag' }, heartbeat);
  expect([told(decision), decision.control]).toEqual([[], null]);
  const heartbeats = [aHeartbeat(entry, 1, heartbeat)];
  const status = assessJob({ entry, control: controlWith({}), heartbeats, splits: null, now: theTime });
  expect(measureOf('default', 'plays.out', status).lagMs).toBeNull();
});

test('while one of two splits is held by nobody, what is told of the other clears nothing', () => {
  const control = controlWith({ phase: 'Running', alerts: 'lag' });
  const heartbeats = [aHeartbeat(entry, 1, { freshnessMs: 200 })];
  const toldOf = (partitions: number) =>
    told(
      announceStatus(
        entry,
        nothing,
        anObservedJob({ control, heartbeats, partitions: new Map([['playback-events', partitions]]) }),
      ),
    );
  expect(toldOf(2)).toEqual([]);
  expect(toldOf(1)).toEqual(['AlertCleared lag: below its threshold again']);
});

test('a worker at the end of a quiet source raises no alert for one behind which a few events wait', () => {
  const stored = controlWith({ phase: 'Running' });
  const control = { ...stored, slots: { '0': slot, '1': { ...slot, incarnation: 2 } } };
  const scaledUp = { ...entry, goal: { ...entry.goal, resources: { ...entry.goal.resources, workers: 2 } } };
  const quiet = aHeartbeat(entry, 1, { freshnessMs: 7_200_000 });
  const busy = aHeartbeat(entry, 2, { ...late, slot: 1, freshnessMs: 200 });
  const observed = anObservedJob({ control, heartbeats: [quiet, busy] });
  expect(told(announceStatus(scaledUp, nothing, observed))).toEqual([]);
});

test('when it is cleared that is told once', () => {
  const decision = announce(
    { phase: 'Running', alerts: 'lag,deadLetterRate' },
    { ...late, freshnessMs: 1_000, lastMinute: { in: 100, deadLettered: 0 } },
  );
  expect(told(decision)).toEqual([
    'AlertCleared lag: below its threshold again',
    'AlertCleared deadLetterRate: below its threshold again',
  ]);
  expect(decision.control?.announced).toEqual({ phase: 'Running' });
});

test('the share of dead letters is that of all live workers’ last minute', () => {
  const raised = announce({ phase: 'Running' }, { lastMinute: { in: 1_000, deadLettered: 11 } });
  expect(told(raised)).toEqual(['AlertRaised deadLetterRate: the share of dead letters is 1.1%, to be at most 1%']);
  expect(told(announce({ phase: 'Running' }, { lastMinute: { in: 1_000, deadLettered: 10 } }))).toEqual([]);
});

test('a job without alerts is told of as before, and its status has no condition of them', () => {
  const silent = aJobEntry();
  expect(told(announce({ phase: 'Running' }, late, silent))).toEqual([]);
  const facts = { control: controlWith({}), heartbeats: [aHeartbeat(silent, 1, late)], splits: null, now: theTime };
  expect(assessJob({ entry: silent, ...facts }).conditions.map(({ type }) => type)).not.toContain('Quiet');
  expect(assessJob({ entry, ...facts }).conditions.at(-1)).toMatchObject({ type: 'Quiet', status: 'false' });
});
