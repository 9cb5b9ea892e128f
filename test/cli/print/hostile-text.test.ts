// Every page that is made of other people's text: whatever their text holds, none of it reaches the terminal as a command.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeConfig } from '#cli/print/config-page.ts';
import { formatEvent } from '#cli/print/events.ts';
import { formatJobPage } from '#cli/print/job-page.ts';
import { formatPlan } from '#cli/print/plan.ts';
import { formatTryPage } from '#cli/print/try-page.ts';
import { formatViews } from '#cli/print/views.ts';
import type { ConfigView } from '#core/api/config-schemas.ts';
import type { EventView, JobView, PlanView, TryView } from '#core/api/wire.ts';
import { runCli } from '../run-cli.ts';
import { type Answer, type Seen, startTinyApi, type TinyApi } from '../tiny-api.ts';

/** Sets the title, wipes the line above, writes to the clipboard, reads backwards; and a line that looks like our own. */
const evil = '\u001b]0;owned\u0007\u001b[1A\u001b[2K\u009b2J\u202e\r\u001b]52;c;Y3VybA\u0007\n+ Route bank: unchanged';
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const plain = (_: unknown, text: string): string => text;

/** What the API itself chooses out of a closed list; every other text may be somebody else's. */
const closed = [
  'kind',
  'outcome',
  'class',
  'state',
  'phase',
  'verdict',
  'severity',
  'status',
  'by',
  'mode',
  'scope',
  'at',
  'since',
];

/** The same view with every text, and every name of a field, hostile. */
function hostile<View>(view: View, key = ''): View {
  if (typeof view === 'string') return (closed.includes(key) ? view : `${view}${evil}`) as View;
  if (Array.isArray(view)) return view.map((one) => hostile(one, key)) as View;
  if (typeof view !== 'object' || view === null) return view;
  return Object.fromEntries(Object.entries(view).map(([name, value]) => [name, hostile(value, name)])) as View;
}

const change = {
  ...{ kind: 'Route', name: 'plays', class: 'replace', effects: ['job plays.out: restarts'], jobs: ['plays.out'] },
  fields: [
    { path: 'metadata.labels.tier', before: '1', after: '2', class: 'none' },
    { path: 'spec.select', before: null, after: ['a'.repeat(60)], class: 'rolling' },
    { path: 'spec.where', before: 'x'.repeat(60), after: 'y'.repeat(60), class: 'live' },
    { path: 'spec.resources', before: { workers: 1 }, after: null, class: 'live' },
  ],
  jobChanges: [
    {
      ...{ name: 'plays.out', class: 'replace', state: 'lost', sink: 'plays' },
      expectedPauseMs: 1,
      expectedDuplicates: '',
    },
  ],
  ...{ expectedPauseMs: 1, expectedDuplicates: 'some', cost: { before: 1, after: 2 }, problems: [] },
  tests: [
    { name: 'keeps US', passed: true, message: '' },
    { name: 'drops DE', passed: false, message: 'got 1 event' },
  ],
};
const plan = hostile({
  ...{ hash: 'h', wouldChange: true, refused: false },
  changes: ['create', 'change', 'unchanged', 'refused'].map((outcome) => ({ ...change, outcome })),
  cost: { before: 1, after: 2, currency: 'USD', pricesAsOf: '2025-06-01' },
}) as PlanView;

const status = {
  ...{
    phase: 'Degraded',
    message: 'the receiver answered 400',
    observedRevision: 2,
    runningRevision: 1,
    mismatches: 1,
  },
  conditions: [{ type: 'Progressing', status: 'false', reason: 'Stuck', message: 'kafka is away' }],
  workers: [
    {
      ...{ incarnation: 1, slot: 0, state: 'running', since: 0, splits: 1, rssMiB: 1, pid: null },
      taskId: 't',
      log: 'l',
    },
  ],
  lag: { records: 1, freshnessMs: 1, drainMs: 1 },
  ...{ inPerSecond: 1, outPerSecond: 1 },
  accounting: { in: 1, out: 1, filtered: 0, deadLettered: 0, dropped: {} },
  scale: { workers: 1, declared: 1, by: 'autoscaler', mode: 'on', min: 1, max: 2, since: 0 },
};
const job = hostile({
  ...{ kind: 'Job', name: 'plays.out', route: 'plays', owner: 'team', revision: 2, uid: 'u', from: 'events' },
  ...{ to: 'https://there', paused: false, deadLetterTopic: 'd', status },
}) as unknown as JobView;
const declared = {
  ...{ apiVersion: 'millrace/v1', metadata: { name: 'plays', owner: 'team', labels: { tier: '1' } } },
  ...{ spec: { from: 'events', note: 'x' }, revision: 1, uid: 'u', author: 'ann', reason: 'why', updatedAt: 'then' },
};
const event = hostile({
  at: '2026-01-31T12:00:00Z',
  severity: 'error',
  reason: 'Lost',
  message: 'm',
  evidence: { a: 'b' },
});
const revisions = [2, 1].map((revision) =>
  hostile({
    ...{
      revision,
      at: '2026-01-31T12:00:00Z',
      author: 'ann',
      reason: 'why',
      deleted: false,
      labels: { tier: '1' },
      spec: { where: `${revision}` },
    },
    changes: [{ path: 'spec.where', before: '1', after: '2', class: 'live' }],
  }),
);

describe('a page of hostile text holds no control character', () => {
  const settings = [{ value: '1', layer: 'team', from: 'team a', author: 'ann', reason: 'why' }];
  const history = [{ at: '1', value: '1', from: 'team a', author: 'ann', reason: 'why', expiresAt: 'x' }];
  const config = hostile({ parameters: [{ key: 'k', value: '1', layer: 'team', live: true, settings, history }] });
  const tried = hostile({
    ...{ read: 1, passed: 1, filtered: 0, failed: 1, mismatches: 1 },
    records: [
      { verdict: 'passed', partition: 0, offset: '0', before: { a: 'b' }, after: { a: 'b' } },
      {
        verdict: 'poison',
        partition: 0,
        offset: '1',
        before: { a: 'b' },
        after: null,
        fault: { code: 'c', message: 'm' },
      },
    ],
  }) as TryView;
  test.each([
    ['a plan', formatPlan(plan, plain)],
    ['a job', formatJobPage(job, plain, 0)],
    ['jobs as a table', formatViews('jobs', [job])],
    ['an event', formatEvent(event as unknown as EventView, plain, true)],
    ['a configuration', describeConfig(config as unknown as ConfigView, true)],
    ['tried events', formatTryPage(tried, plain)],
  ])('%s', (_, page) => {
    expect(page).toContain('owned');
    expect(page).not.toMatch(control);
  });

  test('and in a plan no text begins a line of its own', () => {
    expect(formatPlan(plan, plain)).not.toMatch(/^\+ Route bank/m);
  });
});

describe('what a command prints of hostile answers holds no control character', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-hostile-'));
  const file = join(folder, 'plays.yaml');
  const spec = '{ from: events, to: [{ name: out, stream: plays }] }';
  writeFileSync(file, `apiVersion: millrace/v1\nkind: Route\nmetadata: { name: plays, owner: me }\nspec: ${spec}\n`);
  const route = hostile({ ...declared, kind: 'Route', status: { jobs: [{ name: 'plays.out', status }] } });
  const streamStatus = {
    ...{ phase: 'Ready', message: 'm', topic: 't', observed: { partitions: 1, config: { a: 'b' } } },
    ...{ records: 1, readers: ['r'], writers: ['w'] },
  };
  const stream = hostile({ ...declared, kind: 'Stream', status: streamStatus });
  const changed = hostile({ kind: 'Route', name: 'plays', outcome: 'changed', fields: change.fields });
  const restored = {
    to: '2026-01-31T12:00:00Z',
    effects: [`deleted${evil}`],
    items: [{ ...changed, revisions: { from: 1, to: 2 } }],
  };
  const accepted = { ...plan, changes: plan.changes.slice(0, 1) };
  const answers: Readonly<Record<string, unknown>> = {
    'POST /v1/plan': accepted,
    'PUT /v1/routes/plays': { outcome: 'created', resource: { revision: 1 } },
    'GET /v1/jobs/plays.out': { ...job, name: 'plays.out' },
    'GET /v1/jobs/plays.out/events': { items: [event] },
    'GET /v1/routes/plays': route,
    'GET /v1/routes/plays/revisions': { items: revisions },
    'GET /v1/streams/plays': stream,
    'POST /v1/restore': restored,
    'PUT /v1/freezes/fleet': hostile({
      scope: 'fleet',
      name: '',
      author: 'ann',
      reason: 'why',
      at: '2026-01-31T12:00:00Z',
    }),
    'GET /v1/endings': hostile({ items: [{ job: 'a.b', state: 's', since: 'then', owner: 'ann', message: 'm' }] }),
    'GET /v1/health': hostile({ version: '1', parts: [{ name: 'kafka', message: 'm' }] }),
  };
  const rollback = ({ query }: Seen): unknown =>
    query['dryRun']
      ? accepted
      : { plan: accepted, items: [hostile({ kind: 'Route', name: 'plays', outcome: 'changed', revision: 3 })] };
  let api: TinyApi;
  beforeAll(async () => {
    api = await startTinyApi((seen): Answer | null => {
      if (seen.path === '/v1/routes/plays/rollback') return { json: rollback(seen) };
      const json = answers[`${seen.method} ${seen.path}`];
      return json === undefined ? null : { json };
    });
  });
  afterAll(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });

  test.each([
    [['apply', '-f', file, '--wait', '--timeout', '300ms'], 4],
    [['describe', 'job', 'plays.out'], 0],
    [['describe', 'route', 'plays'], 0],
    [['describe', 'stream', 'plays'], 0],
    [['why', 'plays.out'], 0],
    [['history', 'plays'], 0],
    [['diff', 'plays'], 0],
    [['rollback', 'plays'], 0],
    [['restore', '--to', '2026-01-31T12:00:00Z'], 0],
    [['freeze', 'fleet'], 0],
    [['endings'], 0],
    [['version'], 0],
  ])('%j', async (args, code) => {
    const ran = await runCli(args, { api: api.url, cwd: folder });
    const printed = `${ran.stdout}${ran.stderr}`;
    expect(printed).toContain('owned');
    expect(printed).not.toMatch(control);
    expect(ran.code).toBe(code);
  });
});
